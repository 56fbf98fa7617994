//! A form that was sent before its challenge, and is shown and posted again.
use std::fmt;
use std::time::Duration;

use authsignal_client::{ActionCode, visible};

use crate::domain::flow::Opening;
use crate::domain::form::{Enctype, Field, SavedForm, Unkept, UnkeptReason, Value};
use crate::domain::readable::readable;
use crate::domain::return_to::ReturnTo;

/// A form that was sent before its challenge, to be posted again.
///
/// Post it to [`target`](Self::target), encoded as [`enctype`](Self::enctype) says, with every field in order, each as its
/// [kind](FormField::kind) says. An approval is for the bytes, so that another order, another name or one more field (the
/// name of a button, too) is another request, and is challenged anew; so is another file.
#[derive(Clone)]
pub struct ResumeForm {
    pub(crate) enctype: Enctype,
    pub(crate) action: ActionCode,
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) fields: Vec<FormField>,
    pub(crate) summary: Vec<(String, String)>,
    pub(crate) left: Duration,
    /// Whether somebody has looked at it, rather than its user proved it.
    pub(crate) is_reviewed: bool,
}

/// One field of a form.
#[derive(Clone)]
pub struct FormField(Field);

/// What a field of a form is in the page that posts it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldKind {
    /// `<input type="hidden">` with its [value](FormField::value).
    Hidden,
    /// `<input type="password">`: a secret, which is not kept and has to be typed again.
    Secret,
    /// `<input type="file" required>`: a file, which is not kept and has to be chosen again.
    File,
    /// `<input type="file" hidden>`: a field for a file where none was chosen.
    NoFile,
}

/// A field because of which a form is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnkeptField {
    name: String,
    why: UnkeptReason,
}

impl ResumeForm {
    pub(crate) fn new(opening: &Opening, to: &ReturnTo, form: &SavedForm, left: Duration) -> Self {
        let Opening { action, name, summary, .. } = opening;
        Self {
            enctype: form.enctype,
            name: name.clone().unwrap_or_else(|| readable(action.as_str())),
            action: action.clone(),
            summary: summary.clone(),
            target: to.as_str().to_owned(),
            fields: form.fields.iter().cloned().map(FormField).collect(),
            left,
            is_reviewed: false,
        }
    }

    /// Somebody has looked at it, rather than its user proved it.
    pub(crate) fn reviewed(self, is_reviewed: bool) -> Self {
        Self { is_reviewed, ..self }
    }

    /// The action that was confirmed.
    #[must_use]
    pub fn action(&self) -> &ActionCode {
        &self.action
    }

    /// What people call it: as [`named`](crate::AuthsignalLayer::named), or made from its code.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the form is posted: a path of the application with its query.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// How it is encoded: `application/x-www-form-urlencoded` or `multipart/form-data`, for the attribute `enctype`.
    #[must_use]
    pub fn enctype(&self) -> &'static str {
        match self.enctype {
            Enctype::Urlencoded => "application/x-www-form-urlencoded",
            Enctype::Multipart => "multipart/form-data",
        }
    }

    /// Its fields, in the order in which they have to be sent.
    #[must_use]
    pub fn fields(&self) -> &[FormField] {
        &self.fields
    }

    /// What is approved, as [`Transaction::summary`](crate::Transaction::summary) says it: labels and values, in order. Show it in the
    /// place of the [fields](Self::fields), which are posted all the same; empty where the route reads no transaction.
    pub fn summary(&self) -> impl Iterator<Item = (&str, &str)> {
        self.summary.iter().map(|(label, value)| (label.as_str(), value.as_str()))
    }

    /// How long the approval waits for it.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.left
    }
}

impl FormField {
    /// The field's name, as it is sent.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The field's name as people read it: `billing_address` is "Billing address". A character that nobody would see stands there by
    /// its number ([`visible`](crate::client::visible)).
    #[must_use]
    pub fn label(&self) -> String {
        visible(&readable(&self.0.name)).into_owned()
    }

    /// What it is in the page that posts it again.
    #[must_use]
    pub fn kind(&self) -> FieldKind {
        match &self.0.value {
            Value::Text(_) => FieldKind::Hidden,
            Value::Secret => FieldKind::Secret,
            Value::File(_) => FieldKind::File,
            Value::NoFile => FieldKind::NoFile,
        }
    }

    /// What people are shown of it: the [value](Self::value), or the [name of the file](Self::file_name), in which a character that
    /// nobody would see stands by its number ([`visible`](crate::client::visible)). `None` for a secret, and where no file was chosen.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        Some(visible(self.value().or(self.file_name())?).into_owned())
    }

    /// What was sent, as it is sent again: show [`shown`](Self::shown). `None` for a secret and for a file, which are not kept.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        match &self.0.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The name of the file that was sent.
    #[must_use]
    pub fn file_name(&self) -> Option<&str> {
        match &self.0.value {
            Value::File(name) => Some(name),
            _ => None,
        }
    }

    /// Whether it tells a person something: tokens against request forgery are sent again, and not shown.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        let name = self.0.name.to_ascii_lowercase();
        !name.starts_with('_') && !name.contains("csrf") && !name.contains("xsrf") && !name.contains("token")
    }
}

impl UnkeptField {
    /// The field's name as people read it, cut where it is long, and with nothing unseen.
    #[must_use]
    pub fn label(&self) -> String {
        visible(&readable(&self.name)).into_owned()
    }

    /// Why it is not kept.
    #[must_use]
    pub fn why(&self) -> UnkeptReason {
        self.why
    }
}

impl From<&Unkept> for UnkeptField {
    fn from(unkept: &Unkept) -> Self {
        Self { name: unkept.name.clone(), why: unkept.why }
    }
}

impl fmt::Debug for ResumeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeForm").field("action", &self.action).field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl fmt::Debug for FormField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormField").field("name", &self.0.name).finish_non_exhaustive()
    }
}
