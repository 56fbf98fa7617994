//! The routes that there are, and which of them a path is meant for.
use std::sync::LazyLock;

use http::Method;

use crate::request_log::Endpoint;

/// One route of one method.
pub(super) struct Route {
    pub(super) endpoint: Endpoint,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
}

/// Those of the table of endpoints, and those below `/emulator`, which are in no table.
pub(super) static ROUTES: LazyLock<Vec<Route>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for (endpoint, _, routes) in Endpoint::TABLE {
        all.extend(routes.iter().map(|&(method, path)| Route { endpoint: *endpoint, method, path }));
    }
    all.extend(CONTROL.iter().map(|&(method, path)| Route { endpoint: Endpoint::Emulator, method, path }));
    all
});

const CONTROL: &[(&str, &str)] = &[
    ("GET", "/emulator"),
    ("GET", WAITING),
    ("GET", "/emulator/overview"),
    ("GET", "/emulator/messages"),
    ("GET", "/emulator/requests"),
    ("PUT", "/emulator/outcomes/{action}"),
    ("POST", "/emulator/faults"),
    ("POST", "/emulator/clock"),
    ("GET", "/emulator/users"),
    ("GET", "/emulator/users/{user}"),
    ("PUT", "/emulator/users/{user}"),
    ("GET", "/emulator/actions"),
    ("POST", "/emulator/actions/{user}/{action}/{key}/state"),
    ("POST", "/emulator/actions/{user}/{action}/{key}/{act}"),
    ("GET", "/emulator/health"),
    ("POST", "/emulator/challenges/{challenge}/{act}"),
    ("POST", "/emulator/challenge/{act}"),
    ("PUT", "/emulator/webhooks"),
];
/// Where a page looks whether it can go on.
const WAITING: &str = "/emulator/waiting";
/// The one route that is only there with its version twice.
const DOUBLED: &str = "/v1/challenges";

impl Route {
    /// All that `path` fits.
    pub(super) fn meant(path: &str) -> Vec<&'static Self> {
        let unversioned = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/'));
        let fits = |route: &&Self| {
            let versioned = unversioned.filter(|_| route.has_versions()).is_some_and(|path| fits(route.path, path));
            versioned || (route.path != DOUBLED && fits(route.path, path))
        };
        ROUTES.iter().filter(fits).collect()
    }

    pub(super) fn is_asked_by(&self, method: &Method) -> bool {
        // Whoever answers GET answers HEAD.
        self.method == method.as_str() || (method == Method::HEAD && self.method == "GET")
    }

    /// Whether it is for people to look at.
    pub(super) fn is_page(&self) -> bool {
        self.path == "/" || self.path.starts_with("/api/")
    }

    pub(super) fn has_versions(&self) -> bool {
        !self.is_page() && self.endpoint != Endpoint::Emulator
    }

    /// Whether it is of the Client API, which goes by tokens.
    pub(super) fn is_for_clients(&self) -> bool {
        self.path.starts_with("/client/")
    }

    pub(super) fn needs_key(&self) -> bool {
        self.has_versions() && !self.is_for_clients()
    }

    /// Whether it takes everything that others don't, and so may say what a gateway would.
    pub(super) fn is_loose(&self) -> bool {
        self.path == "/{jumbled}" || self.endpoint == Endpoint::Jwks
    }
}

/// Whether it is below `/emulator`, where there is an answer of another form to everything.
pub(super) fn is_control(path: &str) -> bool {
    path == "/emulator" || path.starts_with("/emulator/")
}

/// Whether people look at it there.
pub(super) fn is_looked_at(path: &str) -> bool {
    ["/emulator", "/emulator/", WAITING].contains(&path)
}

fn fits(route: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (route.split('/').peekable(), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            // An empty segment is a parameter, but not at the end.
            (Some(wanted_one), Some(given_one))
                if wanted_one == given_one
                    || (wanted_one.starts_with('{') && (!given_one.is_empty() || wanted.peek().is_some())) => {}
            _ => return false,
        }
    }
}
