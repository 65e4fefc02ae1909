//! The clouds that Microsoft runs, and where Graph and sign-in are in each.

/// A cloud. A token of one is worth nothing in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cloud {
    /// The worldwide one, also for GCC.
    #[default]
    Global,
    /// US Government L4, also called GCC High.
    UsGov,
    /// US Government L5, of the Department of Defense.
    UsGovDod,
    /// China, run by 21Vianet.
    China,
}

impl Cloud {
    /// The clouds by the words of the configuration.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("global", Self::Global),
        ("usgov", Self::UsGov),
        ("usgov_dod", Self::UsGovDod),
        ("china", Self::China),
    ];

    /// Returns where tokens are issued.
    ///
    /// Source: Microsoft's list of national clouds.
    pub fn login(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGov | Self::UsGovDod => "https://login.microsoftonline.us",
            Self::China => "https://login.chinacloudapi.cn",
        }
    }

    /// Returns where Graph is.
    ///
    /// Source: Microsoft's list of national clouds.
    pub fn graph(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGov => "https://graph.microsoft.us",
            Self::UsGovDod => "https://dod-graph.microsoft.us",
            Self::China => "https://microsoftgraph.chinacloudapi.cn",
        }
    }
}
