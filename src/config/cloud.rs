//! Microsoft's clouds and where they are.
//!
//! Source: Microsoft, "National cloud deployments": login and Graph hosts of each.

/// A Microsoft cloud. Tokens and tenants of one are worth nothing in another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cloud {
    /// The worldwide one, which holds GCC too.
    #[default]
    Global,
    /// US Government L4, also called GCC High.
    UsGov,
    /// US Government L5, of the Department of Defense.
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
}

impl Cloud {
    /// Each cloud by the word for it in a configuration.
    pub const WORDS: [(&str, Self); 4] = [
        ("global", Self::Global),
        ("usgov", Self::UsGov),
        ("usgov_dod", Self::UsGovDod),
        ("china", Self::China),
    ];

    /// Returns the host that issues tokens.
    pub fn login_host(self) -> &'static str {
        match self {
            Self::Global => "login.microsoftonline.com",
            Self::UsGov | Self::UsGovDod => "login.microsoftonline.us",
            Self::China => "login.chinacloudapi.cn",
        }
    }

    /// Returns the audience of federated tokens that are to sign an app in.
    ///
    /// Source: Entra, "Workload identity federation", considerations for national clouds.
    pub fn federated_audience(self) -> &'static str {
        match self {
            Self::Global => "api://AzureADTokenExchange",
            Self::UsGov | Self::UsGovDod => "api://AzureADTokenExchangeUSGov",
            Self::China => "api://AzureADTokenExchangeChina",
        }
    }

    /// Returns the host of Microsoft Graph.
    pub fn graph_host(self) -> &'static str {
        match self {
            Self::Global => "graph.microsoft.com",
            Self::UsGov => "graph.microsoft.us",
            Self::UsGovDod => "dod-graph.microsoft.us",
            Self::China => "microsoftgraph.chinacloudapi.cn",
        }
    }
}
