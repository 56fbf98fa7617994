//! What a request does, as a type: read once, told to Authsignal, shown to whoever approves it, and given to the handler.
use authsignal_client::CustomData;
use serde::de::DeserializeOwned;

mod approved;
mod data_point;
mod reader;
mod slot;
mod summary;
mod takes;

pub use approved::{Approved, MissingTransaction};
pub use data_point::DataPoint;
pub(crate) use reader::{BodyReader, ReadBody};
pub(crate) use slot::Slot;
pub use summary::{Summary, SummaryValue};
pub(crate) use takes::approved_types;
pub use takes::{ApprovedArgument, TakesApproved};

/// What a request does: what Authsignal's rules go by, and what people are shown before and after they approve it.
///
/// A layer that is given one with [`transaction`](crate::AuthsignalLayer::transaction) reads the body as it, and the handler takes
/// that very value as an [`Approved`]. Most are derived.
///
/// # Examples
///
/// ```
/// use axum::http::Method;
/// use axum_authsignal::{Approved, Authsignal, AuthsignalLayer, GuardedRouter, Transaction};
/// use serde::Deserialize;
///
/// #[derive(Deserialize, Transaction)]
/// #[serde(deny_unknown_fields)]
/// struct Transfer {
///     #[transaction(label = "Recipient")]
///     to: String,
///     amount: u64,
///     #[transaction(skip)]
///     csrf_token: Option<String>,
/// }
///
/// async fn transfer(transfer: Approved<Transfer>) -> String {
///     format!("{} sent to {} by {}", transfer.amount, transfer.to, transfer.verdict().user_id())
/// }
///
/// fn app(authsignal: &Authsignal) -> GuardedRouter {
///     // Reads the type that the handler takes. On axum's own router: `.transaction::<Transfer>()` at the layer.
///     GuardedRouter::new().transaction(Method::POST, "/transfer", &AuthsignalLayer::new(authsignal, "transfer"), transfer)
/// }
/// ```
///
/// # Derive
///
/// `#[derive(Transaction)]` is for structs with named fields. Each field is a data point of its name, shown with its name in
/// words, in their order; a `None` is neither sent nor shown.
///
/// | attribute | what it does |
/// |---|---|
/// | `#[transaction(name = "transfer")]` on the struct | its [`NAME`](Self::NAME). Default: the struct's |
/// | `#[transaction(crate = "path")]` on the struct | where this crate is. Default: `::axum_authsignal` |
/// | `name = "toAccount"` | the data point's name. Default: the field's |
/// | `label = "Recipient"` | what people read. Default: the data point's name in words |
/// | `label_in("de", "Empfänger")` | the same in a language, by its tag; several times |
/// | `display` | sent and shown as its `Display` says: for types that are no [`DataPoint`] |
/// | `hidden` | sent, and not shown |
/// | `skip` | neither sent nor shown; the handler gets it all the same |
///
/// A field whose name says that it is a secret (`password`, `pin`, `cvv`, ..) has to be skipped, or it does not compile.
///
/// An implementation of one's own says what a list of fields cannot, such as an amount with its currency.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no transaction",
    label = "this type does not say what Authsignal is told and people are shown",
    note = "derive it: `#[derive(serde::Deserialize, axum_authsignal::Transaction)]`, or write `impl Transaction for {Self}`"
)]
pub trait Transaction: DeserializeOwned + Send + 'static {
    /// What it is called. An approval is bound to it, so that what was approved as one type is nothing to another that is written
    /// alike.
    const NAME: &'static str;

    /// What Authsignal is told with `track`: data points of the application's own, by which rules decide.
    fn data_points(&self) -> CustomData;

    /// What people are shown, in order; `language` is the tag of the language that the page will be in. Default: the
    /// [data points](Self::data_points), with their names in words.
    fn summary(&self, language: &str) -> Summary {
        let _ = language;
        let points = self.data_points();
        points.iter().fold(Summary::new(), |summary, (name, value)| summary.and_data_point(name, value))
    }
}
