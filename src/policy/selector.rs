//! What can be said of selectors without looking at a user.

use std::sync::Arc;

use crate::policy::list::List;
use crate::policy::{Selector, Test};

impl Selector {
    /// Calls `visit` for every test in the selector, in the order in which they were written.
    pub fn for_each_test<'a>(&'a self, visit: &mut impl FnMut(&'a Test)) {
        match self {
            Self::All(inner) | Self::Any(inner) | Self::None(inner) => {
                for selector in inner {
                    selector.for_each_test(visit);
                }
            }
            Self::Test(test) => visit(&test.value),
        }
    }

    /// Puts another list in the place of every list in the selector.
    pub fn replace_lists(&mut self, with: &impl Fn(&List) -> List) {
        match self {
            Self::All(inner) | Self::Any(inner) | Self::None(inner) => {
                for selector in inner {
                    selector.replace_lists(with);
                }
            }
            Self::Test(test) => {
                if let Test::Csv(list) = &mut test.value {
                    *list = Arc::new(with(list));
                }
            }
        }
    }

    /// Whether the selector names nobody and only says whom it does not mean, so that it would select
    /// everybody else.
    pub fn only_excludes(&self) -> bool {
        match self {
            Self::None(_) => true,
            Self::All(parts) => parts.iter().all(Self::only_excludes),
            Self::Any(parts) => parts.iter().any(Self::only_excludes),
            Self::Test(_) => false,
        }
    }

    /// Whether a test anywhere in the selector asks for the user type, so that guests are meant.
    pub fn names_user_type(&self) -> bool {
        let mut named = false;
        self.for_each_test(&mut |test| named |= matches!(test, Test::UserType(_)));
        named
    }

    /// Whether a test anywhere in the selector asks when users last signed in.
    pub fn asks_for_sign_ins(&self) -> bool {
        let mut asks = false;
        self.for_each_test(&mut |test| asks |= matches!(test, Test::InactiveFor(_)));
        asks
    }
}
