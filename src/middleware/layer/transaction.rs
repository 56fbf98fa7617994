//! What a route's bodies are read as, before Authsignal is asked.
use authsignal_client::CustomData;
use serde::de::DeserializeOwned;

use super::AuthsignalLayer;
use crate::transaction::{BodyReader, Transaction};

impl AuthsignalLayer {
    /// Reads the body as what the request does, before Authsignal is asked: one value, which Authsignal is told of, people are shown,
    /// the approval is bound to and the handler is given, as an [`Approved`](crate::Approved). Default: the body is nobody's
    /// affair but the handler's.
    ///
    /// The body is read whole, up to [`body_limit`](crate::AuthsignalBuilder::body_limit) (413 beyond), and strictly, by its content type:
    ///
    /// | content type | how |
    /// |---|---|
    /// | `application/json` | UTF-8 without a byte order mark; no name twice in an object, upper and lower case counting as the same; numbers up to 2^53 - 1, without an exponent, fractions of at most 15 significant digits, no `-0`: any other is sent as a string; at most 32 levels |
    /// | `application/x-www-form-urlencoded` | UTF-8; no field twice; no empty field, no `;`, whole percent escapes; numbers as in JSON |
    /// | none, and no body | the type decides: `()`, `Option`, a struct whose every field has a default |
    /// | anything else, two types, a parameter but `charset=utf-8`, or any `Content-Encoding` | 415 |
    /// | a form on GET or HEAD, where readers of forms read the query | 415 |
    ///
    /// What is not written so is refused with 400 ([`RefusalReason::BodyMalformed`](crate::RefusalReason::BodyMalformed)), what does not
    /// fit the type with 422 ([`RefusalReason::BodyInvalid`](crate::RefusalReason::BodyInvalid)); a problem document names the
    /// field in `path` and what is wrong with it in `fault`. Unknown fields are refused where the type says so
    /// (`#[serde(deny_unknown_fields)]`). Nothing is asked of Authsignal, or written, for a body that is refused.
    ///
    /// An approval is bound to the value and to the type's name, whatever it [covers](Self::covers) besides: by default the very bytes.
    /// What it [covers](Self::covers) as a route or an action may be sent in other bytes of the same value. It cannot be
    /// [remembered](Self::remember): the layer panics where it is put on a route, and [`checked`](Self::checked) tells before.
    ///
    /// A data point of one name here and in [`custom`](Self::custom) is refused with 500, and the log names it. At most 64 of them,
    /// and 8 KiB, are sent; what is shown is bounded as [`Summary`](crate::Summary) says.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::{Router, routing::post};
    /// use axum_authsignal::{Approved, Authsignal, AuthsignalLayer, Transaction};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize, Transaction)]
    /// struct Transfer {
    ///     to: String,
    ///     amount: u64,
    /// }
    ///
    /// async fn transfer(transfer: Approved<Transfer>) -> String {
    ///     format!("{} sent to {}", transfer.amount, transfer.to)
    /// }
    ///
    /// fn app(authsignal: &Authsignal) -> Router {
    ///     let layer = AuthsignalLayer::new(authsignal, "transfer").transaction::<Transfer>();
    ///     Router::new().route("/transfer", post(transfer).route_layer(layer))
    /// }
    /// ```
    #[must_use]
    pub fn transaction<T: Transaction>(self) -> Self {
        self.reading(BodyReader::of::<T>())
    }

    /// Sends data points for Authsignal's rules out of a body in JSON, for those who want no [`Transaction`] type: the body is read as
    /// strictly as [`transaction`](Self::transaction) does, an approval is bound to its value, and people are shown the data
    /// points. The handler reads the body itself. In place of `transaction` and [`custom_form`](Self::custom_form); it goes
    /// together with [`custom`](Self::custom). Default: none.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer};
    /// use axum_authsignal::client::CustomData;
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Order {
    ///     total: u64,
    /// }
    ///
    /// # fn example(authsignal: &Authsignal) {
    /// let layer = AuthsignalLayer::new(authsignal, "order")
    ///     .custom_json(|order: Order| CustomData::new().with("total", order.total));
    /// # }
    /// ```
    #[must_use]
    pub fn custom_json<T, F>(self, closure: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(T) -> CustomData + Send + Sync + 'static,
    {
        self.reading(BodyReader::json(closure))
    }

    /// Sends data points for Authsignal's rules out of a posted form, as [`custom_json`](Self::custom_json) does out of JSON.
    /// On GET and HEAD a form is refused with 415, and a query as well: it is what axum's `Form` would read there. Default: none.
    #[must_use]
    pub fn custom_form<T, F>(self, closure: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(T) -> CustomData + Send + Sync + 'static,
    {
        self.reading(BodyReader::form(closure))
    }

    /// The type that handlers are given, as the compiler calls it.
    pub(crate) fn transaction_type(&self) -> Option<&'static str> {
        self.guard.reader.as_ref()?.type_name
    }

    fn reading(mut self, reader: BodyReader) -> Self {
        self.guard.policy.transaction = true;
        self.guard.reader = Some(reader);
        self
    }
}
