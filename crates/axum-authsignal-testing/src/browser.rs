//! A browser over a router: what it holds.
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use url::Url;

use crate::authsignal::{ORIGIN, TestAuthsignal};
use crate::jar::Jar;

/// A browser over an application's router, with no socket in between. Clones are one browser, in as many tabs as you like.
///
/// It keeps cookies as browsers do (host, path, `Secure`, `SameSite`, `__Host-`, until they run out by the test's clock), sends
/// the headers by which they say what they are about (`Sec-Fetch-Site`, `Origin`, `Referer`), and follows redirects and pages
/// that lead on at once, within the application. At a challenge it stops: [`Page::prove`](crate::Page::prove) goes on.
///
/// Script does not run in it, no frame is shown, and a `Content-Security-Policy` is not looked at.
#[derive(Clone)]
pub struct Browser(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) authsignal: TestAuthsignal,
    pub(crate) app: Router,
    pub(crate) origin: Url,
    pub(crate) jar: Mutex<Jar>,
    /// The page that it shows, which is where its forms and scripts are.
    pub(crate) shown: Mutex<Url>,
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browser").field("origin", &self.0.origin.as_str()).finish_non_exhaustive()
    }
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Browser {
    #[track_caller]
    pub(crate) fn new(authsignal: TestAuthsignal, origin: &str, app: Router) -> Self {
        let origin = Url::parse(origin).unwrap_or_else(|why| panic!("invalid origin `{origin}`: {why}"));
        assert!(origin.has_host() && origin.path() == "/", "invalid origin `{origin}`: it has no host, or a path");
        Self(Arc::new(Inner { authsignal, app, shown: Mutex::new(origin.clone()), origin, jar: Mutex::default() }))
    }

    /// Another browser in front of the same application, without cookies: that of somebody else, or a second one of the same
    /// person.
    #[must_use]
    pub fn elsewhere(&self) -> Self {
        let (app, origin) = (self.0.app.clone(), self.0.origin.as_str());
        Self::new(self.0.authsignal.clone(), origin, app)
    }

    /// The service behind the application.
    #[must_use]
    pub fn authsignal(&self) -> &TestAuthsignal {
        &self.0.authsignal
    }

    /// The value of a cookie, if the browser has one of this name.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<String> {
        locked(&self.0.jar).value(name, self.0.authsignal.clock().now()).map(str::to_owned)
    }

    /// The address of a path of the application's.
    pub(crate) fn url(&self, path: &str) -> Url {
        self.0.origin.join(path).unwrap_or_else(|why| panic!("invalid path `{path}`: {why}"))
    }
}

impl TestAuthsignal {
    /// A browser without cookies, in front of an application at `https://app.example.com`.
    #[must_use]
    pub fn browser(&self, app: Router) -> Browser {
        self.browser_at(ORIGIN, app)
    }

    /// The same for an application at another origin: that of the callback URL it was built with.
    ///
    /// # Panics
    ///
    /// If `origin` is no origin, such as `http://localhost:3000`.
    #[must_use]
    #[track_caller]
    pub fn browser_at(&self, origin: &str, app: Router) -> Browser {
        Browser::new(self.clone(), origin, app)
    }
}
