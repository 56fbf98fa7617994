//! Reads a body as the value that its route is about.
use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use authsignal_client::{CustomData, visible};
use http::Method;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::Transaction;
use super::slot::Slot;
use super::summary::{Summary, SummaryValue};
use crate::domain::body_fault::{BodyFault, BodyFaultKind};
use crate::domain::body_type::BodyType;
use crate::domain::coverage::Digest;
use crate::domain::document::Document;
use crate::domain::{strict_form, strict_json};
use crate::refusal::RefusalReason;

/// The most data points, and the most bytes of all of them as they are sent.
const MAX_DATA_POINTS: usize = 64;
const MAX_DATA: usize = 8 * 1024;

/// The most that is shown, and the most characters of a label and of a value.
const MAX_SHOWN: usize = 32;
const MAX_LABEL: usize = 64;
const MAX_VALUE: usize = 512;

/// What a body says.
pub(crate) struct ReadBody {
    /// Of the value, whatever the bytes.
    pub(crate) digest: Digest,
    pub(crate) data_points: CustomData,
    pub(crate) summary: Vec<(String, SummaryValue)>,
    /// The value for the handler, where it takes one.
    pub(crate) slot: Option<Slot>,
}

/// How a route reads its bodies.
#[derive(Clone)]
pub(crate) struct BodyReader {
    read: Arc<dyn Fn(&Parts, &[u8], &str) -> Result<ReadBody, RefusalReason> + Send + Sync>,
    /// What the type that handlers are given is called by the compiler.
    pub(crate) type_name: Option<&'static str>,
}

impl BodyReader {
    /// Reads a transaction, in JSON or as a form.
    pub(crate) fn of<T: Transaction>() -> Self {
        let read = |parts: &Parts, body: &[u8], language: &str| {
            let document = document(parts, body, &[BodyType::Json, BodyType::Form])?;
            let digest = document.digest(T::NAME);
            let value: T = document.decode().map_err(RefusalReason::BodyInvalid)?;
            let (data_points, summary) = (value.data_points(), value.summary(language));
            ReadBody { digest, data_points, summary: summary.0, slot: Some(Slot::new(value)) }.within_limits()
        };
        Self { read: Arc::new(read), type_name: Some(type_name::<T>()) }
    }

    /// Reads data points out of a value of JSON.
    pub(crate) fn json<T, F>(data_points: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(T) -> CustomData + Send + Sync + 'static,
    {
        Self::points(BodyType::Json, data_points)
    }

    /// Reads data points out of a form.
    pub(crate) fn form<T, F>(data_points: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(T) -> CustomData + Send + Sync + 'static,
    {
        Self::points(BodyType::Form, data_points)
    }

    fn points<T, F>(body_type: BodyType, data_points: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(T) -> CustomData + Send + Sync + 'static,
    {
        let read = move |parts: &Parts, body: &[u8], _: &str| {
            let document = document(parts, body, &[body_type])?;
            let digest = document.digest("");
            let data_points = data_points(document.decode().map_err(RefusalReason::BodyInvalid)?);
            let shown =
                data_points.iter().fold(Summary::new(), |shown, (name, value)| shown.and_data_point(name, value));
            ReadBody { digest, data_points, summary: shown.0, slot: None }.within_limits()
        };
        Self { read: Arc::new(read), type_name: None }
    }

    /// Reads a whole body. `language` is the tag of the language that its user reads.
    pub(crate) fn read(&self, parts: &Parts, body: &[u8], language: &str) -> Result<ReadBody, RefusalReason> {
        (self.read)(parts, body, language)
    }
}

impl fmt::Debug for BodyReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyReader({})", self.type_name.unwrap_or("data points"))
    }
}

/// Reads a body strictly, by its content type, if that is one of these.
fn document(parts: &Parts, body: &[u8], taken: &[BodyType]) -> Result<Document, RefusalReason> {
    let body_type = BodyType::of(&parts.headers, body)
        .filter(|is| *is == BodyType::Nothing || taken.contains(is))
        .filter(|is| !is_read_in_the_query(parts, *is, taken));
    let document = match body_type.ok_or(RefusalReason::BodyUnsupported)? {
        BodyType::Nothing => Ok(Document::Nothing),
        BodyType::Json => strict_json::parse(body).map(Document::Json),
        BodyType::Form => strict_form::parse(body).map(Document::Form),
    };
    document.map_err(RefusalReason::BodyMalformed)
}

/// Whether the handler's own reader of forms (axum's `Form`, by the HTML standard) would read the query in place of this body: it
/// does where the method is GET or HEAD (threat T63).
fn is_read_in_the_query(parts: &Parts, body_type: BodyType, taken: &[BodyType]) -> bool {
    let reads_query = parts.method == Method::GET || parts.method == Method::HEAD;
    let has_query = || parts.uri.query().is_some_and(|query| !query.is_empty());
    reads_query && (body_type == BodyType::Form || (taken == [BodyType::Form] && has_query()))
}

impl ReadBody {
    /// Refuses what nobody would look at before they approve it, and makes the rest fit to be looked at.
    fn within_limits(mut self) -> Result<Self, RefusalReason> {
        let too_long = |path: &str| RefusalReason::BodyInvalid(BodyFault::new(path, BodyFaultKind::TooLong));
        let sent = serde_json::to_vec(&self.data_points);
        if self.data_points.iter().count() > MAX_DATA_POINTS || sent.map_or(usize::MAX, |sent| sent.len()) > MAX_DATA {
            return Err(too_long(""));
        }
        if self.summary.len() > MAX_SHOWN {
            return Err(too_long(""));
        }
        for (label, value) in &mut self.summary {
            if label.chars().count() > MAX_LABEL {
                return Err(too_long(label));
            }
            *label = visible(label).into_owned();
            if let SummaryValue::Text(text) = value {
                if text.chars().count() > MAX_VALUE {
                    return Err(too_long(label));
                }
                *text = visible(text).into_owned();
            }
        }
        Ok(self)
    }
}
