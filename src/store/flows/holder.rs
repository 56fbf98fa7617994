//! Who a flow belongs to: a browser, or a client that has no cookie.
use crate::request::cookie::BrowserId;
use crate::store::seal::Purpose;

/// Who a flow belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// A browser, by its cookie.
    Browser(BrowserId),
    /// A client that shows who it is with each request and keeps no cookie. Its flows have names and keys of their own, so
    /// that no browser's cookie finds one, and a request passes by one only with its token in hand.
    Bearer,
}

impl Holder {
    /// What its flows are as records.
    pub(super) fn purpose(&self) -> Purpose {
        match self {
            Self::Browser(_) => Purpose::Flow,
            Self::Bearer => Purpose::BearerFlow,
        }
    }

    /// Whose key its flows are sealed with.
    pub(super) fn browser(&self) -> &BrowserId {
        match self {
            Self::Browser(id) => id,
            Self::Bearer => &BrowserId::ANY,
        }
    }
}
