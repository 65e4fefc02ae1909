//! `$filter`, as far as plain and simple advanced queries go.
//!
//! Source: Graph `$filter` on directory objects; 15 clauses at most in a plain query.

use jiff::Timestamp;

use crate::sandbox::http::reply::Failure;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// The property is one of these.
    In(String, Vec<Literal>),
    /// The property stands so to this.
    Compare(String, Comparison, String),
    StartsWith(String, String),
    EndsWith(String, String),
    /// Holds the license with this id.
    HoldsSku(String),
    /// Whether any license is held.
    Licensed(bool),
}

/// How a property stands to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

impl Comparison {
    fn named(word: &str) -> Option<Self> {
        match word {
            "gt" => Some(Self::Above),
            "ge" => Some(Self::AtLeast),
            "lt" => Some(Self::Below),
            "le" => Some(Self::AtMost),
            _ => None,
        }
    }

    /// Whether it holds. Instants compare as such, all else as text.
    fn holds(self, value: &str, wanted: &str) -> bool {
        let instant = |text: &str| text.parse::<Timestamp>().ok();
        let order = match (instant(value), instant(wanted)) {
            (Some(value), Some(wanted)) => value.cmp(&wanted),
            _ => value.to_lowercase().cmp(&wanted.to_lowercase()),
        };
        match self {
            Self::Above => order.is_gt(),
            Self::AtLeast => order.is_ge(),
            Self::Below => order.is_lt(),
            Self::AtMost => order.is_le(),
        }
    }
}

/// What a query may ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Whether the headers of an advanced query came with it.
    pub(super) advanced: bool,
    /// How deep a plain filter may nest, where that is limited.
    pub(super) height_max: Option<usize>,
}

impl From<bool> for Rules {
    fn from(advanced: bool) -> Self {
        Self { advanced, height_max: None }
    }
}

/// What a property is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(String),
    Null,
}

impl Literal {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null => None,
        }
    }
}

const CLAUSES_MAX: usize = 15;
const DEPTH_MAX: usize = 20;

impl Filter {
    /// Reads a filter.
    pub(super) fn parse(text: &str, rules: impl Into<Rules>) -> Result<Self, Failure> {
        let Rules { advanced, height_max } = rules.into();
        let tokens = tokens(text).ok_or_else(|| invalid(text))?;
        let mut parser = Parser { tokens: &tokens, at: 0 };
        let filter = parser.or(0).filter(|_| parser.at == tokens.len());
        let filter = filter.ok_or_else(|| invalid(text))?;
        let clauses = filter.clauses();
        if !advanced && clauses > CLAUSES_MAX {
            return Err(Failure::unsupported(format!(
                "Too many child clauses specified in search filter expression containing 'OR' \
                 operators: {clauses}. Max allowed: {CLAUSES_MAX}."
            )));
        }
        let height = filter.height();
        if let Some(max) = height_max.filter(|max| !advanced && height > *max) {
            return Err(Failure::unsupported(format!(
                "The specified search filter expression has excessive height: {height}. \
                 Max allowed: {max}"
            )));
        }
        if !advanced && filter.is_advanced() {
            return Err(Failure::unsupported(
                "Unsupported or invalid query filter clause: the request needs the header \
                 'ConsistencyLevel:eventual' and the query option '$count=true'.",
            ));
        }
        Ok(filter)
    }

    /// Counts the alternatives in the widest `or` or `in`.
    fn clauses(&self) -> usize {
        match self {
            Self::Or(parts) => parts.iter().map(Self::clauses).sum(),
            Self::And(parts) => parts.iter().map(Self::clauses).max().unwrap_or(1),
            Self::Not(inner) => inner.clauses(),
            Self::In(_, values) => values.len(),
            Self::Compare(_, _, _)
            | Self::StartsWith(_, _)
            | Self::EndsWith(_, _)
            | Self::HoldsSku(_)
            | Self::Licensed(_) => 1,
        }
    }

    /// Counts the levels, a chain of `and` or of `or` as one.
    fn height(&self) -> usize {
        match self {
            Self::Or(parts) | Self::And(parts) => {
                1 + parts.iter().map(Self::height).max().unwrap_or(0)
            }
            Self::Not(inner) => 1 + inner.height(),
            Self::In(_, _)
            | Self::Compare(_, _, _)
            | Self::StartsWith(_, _)
            | Self::EndsWith(_, _)
            | Self::HoldsSku(_)
            | Self::Licensed(_) => 1,
        }
    }

    fn is_advanced(&self) -> bool {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().any(Self::is_advanced),
            Self::Not(_) | Self::EndsWith(_, _) | Self::Licensed(_) => true,
            Self::In(_, values) => values.contains(&Literal::Null),
            Self::Compare(_, _, _) | Self::StartsWith(_, _) | Self::HoldsSku(_) => false,
        }
    }

    /// Returns the properties that it asks for.
    pub(super) fn properties(&self) -> Vec<&str> {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::properties).collect(),
            Self::Not(inner) => inner.properties(),
            Self::In(name, _)
            | Self::Compare(name, _, _)
            | Self::StartsWith(name, _)
            | Self::EndsWith(name, _) => vec![name],
            Self::HoldsSku(_) | Self::Licensed(_) => vec!["assignedLicenses"],
        }
    }

    /// Returns the only values that a property can have, where the filter says so.
    pub(super) fn pins(&self, property: &str) -> Option<Vec<&str>> {
        match self {
            Self::In(name, values) if name == property => {
                values.iter().map(Literal::text).collect()
            }
            Self::Or(parts) => {
                let pinned: Option<Vec<_>> = parts.iter().map(|part| part.pins(property)).collect();
                pinned.map(|lists| lists.into_iter().flatten().collect())
            }
            Self::And(parts) => parts.iter().find_map(|part| part.pins(property)),
            Self::In(_, _)
            | Self::Not(_)
            | Self::Compare(_, _, _)
            | Self::StartsWith(_, _)
            | Self::EndsWith(_, _)
            | Self::HoldsSku(_)
            | Self::Licensed(_) => None,
        }
    }

    /// Whether an object fits. Texts compare without regard to case, as in the directory.
    pub(super) fn fits(&self, object: &impl Filtered) -> bool {
        let lower = |name: &str| object.property(name).map(|value| value.to_lowercase());
        match self {
            Self::And(parts) => parts.iter().all(|part| part.fits(object)),
            Self::Or(parts) => parts.iter().any(|part| part.fits(object)),
            Self::Not(inner) => !inner.fits(object),
            Self::In(name, values) => {
                let value = lower(name);
                values.iter().any(|wanted| wanted.text().map(str::to_lowercase) == value)
            }
            Self::Compare(name, comparison, wanted) => {
                object.property(name).is_some_and(|value| comparison.holds(&value, wanted))
            }
            Self::StartsWith(name, start) => {
                lower(name).is_some_and(|value| value.starts_with(&start.to_lowercase()))
            }
            Self::EndsWith(name, end) => {
                lower(name).is_some_and(|value| value.ends_with(&end.to_lowercase()))
            }
            Self::HoldsSku(sku) => object.skus().iter().any(|held| held.eq_ignore_ascii_case(sku)),
            Self::Licensed(licensed) => object.skus().is_empty() != *licensed,
        }
    }
}

/// What filters ask about an object.
pub(super) trait Filtered {
    /// Returns the property as text, none where it is null.
    fn property(&self, name: &str) -> Option<String>;
    /// Returns the ids of the SKUs it holds or carries.
    fn skus(&self) -> Vec<String>;
}

fn invalid(text: &str) -> Failure {
    Failure::bad(format!("Invalid filter clause: '{text}'."))
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            letter if letter.is_whitespace() => {}
            '(' | ')' | ',' => tokens.push(Token::Sign(letter)),
            '\'' => {
                let mut value = String::new();
                loop {
                    match letters.next()? {
                        // A doubled quote stands for itself.
                        '\'' if letters.peek() == Some(&'\'') => {
                            letters.next();
                            value.push('\'');
                        }
                        '\'' => break,
                        letter => value.push(letter),
                    }
                }
                tokens.push(Token::Text(value));
            }
            letter => {
                let mut word = String::from(letter);
                let ends = |c: &char| c.is_whitespace() || "(),'".contains(*c);
                while let Some(letter) = letters.next_if(|letter| !ends(letter)) {
                    word.push(letter);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Some(tokens)
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Parser<'_> {
    fn or(&mut self, depth: usize) -> Option<Filter> {
        let mut parts = vec![self.and(depth)?];
        while self.word("or") {
            parts.push(self.and(depth)?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Filter::Or(parts)) }
    }

    fn and(&mut self, depth: usize) -> Option<Filter> {
        let mut parts = vec![self.term(depth)?];
        while self.word("and") {
            parts.push(self.term(depth)?);
        }
        if parts.len() == 1 { parts.pop() } else { Some(Filter::And(parts)) }
    }

    fn term(&mut self, depth: usize) -> Option<Filter> {
        if depth > DEPTH_MAX {
            return None;
        }
        if self.word("not") {
            return Some(Filter::Not(Box::new(self.term(depth + 1)?)));
        }
        if self.sign('(') {
            let inner = self.or(depth + 1)?;
            return self.sign(')').then_some(inner);
        }
        let name = self.any_word()?;
        match name.as_str() {
            "startsWith" | "startswith" => {
                let (name, value) = self.arguments()?;
                Some(Filter::StartsWith(name, value))
            }
            "endsWith" | "endswith" => {
                let (name, value) = self.arguments()?;
                Some(Filter::EndsWith(name, value))
            }
            "assignedLicenses/any" => self.any_license(),
            "assignedLicenses/$count" => {
                let equal = self.word("eq") || !self.word("ne");
                (self.any_word()? == "0").then_some(Filter::Licensed(!equal))
            }
            _ => self.comparison(name),
        }
    }

    fn comparison(&mut self, name: String) -> Option<Filter> {
        if self.word("eq") {
            return Some(Filter::In(name, vec![self.value()?]));
        }
        if self.word("ne") {
            return Some(Filter::Not(Box::new(Filter::In(name, vec![self.value()?]))));
        }
        if let Some(Token::Word(word)) = self.tokens.get(self.at)
            && let Some(comparison) = Comparison::named(word)
        {
            self.at += 1;
            return Some(Filter::Compare(name, comparison, self.text()?));
        }
        if !self.word("in") || !self.sign('(') {
            return None;
        }
        let mut values = vec![self.value()?];
        while self.sign(',') {
            values.push(self.value()?);
        }
        self.sign(')').then_some(Filter::In(name, values))
    }

    /// Reads `(x:x/skuId eq GUID)`.
    fn any_license(&mut self) -> Option<Filter> {
        let opened = self.sign('(');
        let path = self.any_word()?;
        if !opened || !path.ends_with("/skuId") || !self.word("eq") {
            return None;
        }
        let id = self.text()?;
        self.sign(')').then_some(Filter::HoldsSku(id))
    }

    fn arguments(&mut self) -> Option<(String, String)> {
        let opened = self.sign('(');
        let name = self.any_word()?;
        let comma = self.sign(',');
        let value = self.text()?;
        (opened && comma && self.sign(')')).then_some((name, value))
    }

    /// Reads a literal.
    fn value(&mut self) -> Option<Literal> {
        let token = self.tokens.get(self.at)?;
        self.at += 1;
        match token {
            Token::Text(text) => Some(Literal::Text(text.clone())),
            Token::Word(word) if word == "null" => Some(Literal::Null),
            Token::Word(word) => Some(Literal::Text(word.clone())),
            Token::Sign(_) => None,
        }
    }

    fn text(&mut self) -> Option<String> {
        match self.value()? {
            Literal::Text(text) => Some(text),
            Literal::Null => None,
        }
    }

    fn any_word(&mut self) -> Option<String> {
        let Some(Token::Word(word)) = self.tokens.get(self.at) else { return None };
        self.at += 1;
        Some(word.clone())
    }

    fn word(&mut self, wanted: &str) -> bool {
        let is = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word == wanted);
        self.at += usize::from(is);
        is
    }

    fn sign(&mut self, wanted: char) -> bool {
        let is = self.tokens.get(self.at) == Some(&Token::Sign(wanted));
        self.at += usize::from(is);
        is
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Ana;

    impl Filtered for Ana {
        fn property(&self, name: &str) -> Option<String> {
            match name {
                "userPrincipalName" => Some("ana.o'brien@contoso.com".to_owned()),
                "accountEnabled" => Some("true".to_owned()),
                _ => None,
            }
        }

        fn skus(&self) -> Vec<String> {
            vec!["06ebc4ee-1bb5-47dd-8120-11324bc54e06".to_owned()]
        }
    }

    fn fits(text: &str) -> bool {
        Filter::parse(text, true).unwrap().fits(&Ana)
    }

    #[test]
    fn filters_select_as_graph_says() {
        for text in [
            "userPrincipalName eq 'ANA.o''brien@contoso.com'",
            "startsWith(userPrincipalName,'ana') and accountEnabled eq true",
            "endsWith(userPrincipalName, '@contoso.com')",
            "userPrincipalName in ('x', 'ana.o''brien@contoso.com')",
            "not (accountEnabled eq false)",
            "country eq null or country ne null",
            "assignedLicenses/any(x:x/skuId eq 06EBC4EE-1bb5-47dd-8120-11324bc54e06)",
            "assignedLicenses/$count ne 0",
        ] {
            assert!(fits(text), "{text}");
        }
        for text in ["accountEnabled ne true", "assignedLicenses/$count eq 0", "country eq 'DE'"] {
            assert!(!fits(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in ["", "id", "id eq", "id eq 'a", "(id eq 'a'", "id eq 'a' id", "id in ()"] {
            assert!(Filter::parse(text, true).is_err(), "{text}");
        }
        assert!(Filter::parse(&"(".repeat(100_000), true).is_err());
    }

    #[test]
    fn instants_compare_as_instants() {
        let holds = |comparison: Comparison| {
            comparison.holds("2026-11-23T09:00:00.5Z", "2026-11-23T10:00:00+01:00")
        };
        assert!(holds(Comparison::Above) && holds(Comparison::AtLeast));
        assert!(!holds(Comparison::Below) && !holds(Comparison::AtMost));
        assert!(!fits("createdDateTime ge 2026-01-01T00:00:00Z"), "it has none");
    }

    #[test]
    fn a_plain_filter_may_be_limited_in_height() {
        let rules = |advanced| Rules { advanced, height_max: Some(3) };
        let deep = "(id eq 'a' and (id eq 'b' or (id eq 'c' and id eq 'd'))) or id eq 'e'";
        let failure = Filter::parse(deep, rules(false)).unwrap_err();
        assert!(failure.message.contains("excessive height: 5. Max allowed: 3"), "{failure:?}");
        assert!(Filter::parse(deep, rules(true)).is_ok());
        assert!(Filter::parse("id eq 'a' or id eq 'b' or id eq 'c'", rules(false)).is_ok());
    }

    #[test]
    fn a_plain_query_takes_fifteen_values() {
        let values = |count: usize| format!("id in ({})", vec!["'a'"; count].join(","));
        assert!(Filter::parse(&values(15), false).is_ok());
        let failure = Filter::parse(&values(16), false).unwrap_err();
        assert!(failure.message.contains("'OR' operators: 16. Max allowed: 15."));
        assert!(Filter::parse(&values(16), true).is_ok());
        assert!(Filter::parse("id ne 'a'", false).is_err());
    }
}
