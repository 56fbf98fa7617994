//! PURE: what is kept of a challenged request, so that its user goes on with it.
use serde::{Deserialize, Serialize};

use crate::domain::form::{SavedForm, Unkept};
use crate::domain::page_origin::Page;
use crate::domain::return_to::ReturnTo;

/// How the user goes on after the challenge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SavedRequest {
    /// A page: it is asked for again.
    Page(ReturnTo),
    /// A posted form: it is shown and posted again. Where something of it is not kept, the page that it was on is.
    Form { to: ReturnTo, form: SavedForm, page: Option<Page> },
    /// A browser sent what could not be kept; the user sends it again from where they were.
    NotKept { why: NotKept, page: Option<Page>, fields: Vec<Unkept> },
    /// A client's own request: the client repeats it, and the user goes back to the page it came from.
    Client { page: Option<Page> },
    /// A form that was posted again already.
    Sent,
}

/// Why what a browser sent was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NotKept {
    /// It is no form, or one that a page of ours would not send again as it was.
    Body,
    /// The target is one that we would not send a browser back to.
    Target,
    /// A script in a page sent it, and the page is gone by now.
    Script,
}
