//! A form that was sent before its challenge, and is shown and posted again.
use std::fmt;
use std::time::Duration;

use authsignal_client::ActionCode;

use crate::domain::form::{Field, SavedForm};
use crate::domain::return_to::ReturnTo;

/// A form that was sent before its challenge, to be posted again.
///
/// Post it to [`target`](Self::target), as `application/x-www-form-urlencoded`, with every field in order: those with a
/// [value](FormField::value) hidden, the others as fields for secrets that the user types again. An approval is for the
/// bytes, so that another order, another name or one more field (the name of a button, too) is another request, and is
/// challenged anew.
#[derive(Clone)]
pub struct ResumeForm {
    pub(crate) action: ActionCode,
    pub(crate) name: String,
    pub(crate) target: String,
    pub(crate) fields: Vec<FormField>,
    pub(crate) left: Duration,
}

/// One field of a form.
#[derive(Clone)]
pub struct FormField {
    name: String,
    value: Option<String>,
}

impl ResumeForm {
    pub(crate) fn new(action: ActionCode, name: Option<&str>, to: &ReturnTo, form: &SavedForm, left: Duration) -> Self {
        let field = |field: &Field| FormField { name: field.name.clone(), value: field.value.clone() };
        Self {
            name: name.map_or_else(|| readable(action.as_str()), str::to_owned),
            action,
            target: to.as_str().to_owned(),
            fields: form.0.iter().map(field).collect(),
            left,
        }
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

    /// Its fields, in the order in which they have to be sent.
    #[must_use]
    pub fn fields(&self) -> &[FormField] {
        &self.fields
    }

    /// How long the approval waits for it.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.left
    }
}

impl FormField {
    /// The field's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What was sent; `None` for a secret, which is not kept and has to be typed again.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Whether it tells a person something: tokens against request forgery are sent again, and not shown.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        !name.starts_with('_') && !name.contains("csrf") && !name.contains("xsrf") && !name.contains("token")
    }
}

/// A code as people read it: `withdraw-money` is "Withdraw money".
fn readable(code: &str) -> String {
    let mut text = code.replace(['-', '_'], " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

impl fmt::Debug for ResumeForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResumeForm").field("action", &self.action).field("fields", &self.fields).finish_non_exhaustive()
    }
}

impl fmt::Debug for FormField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormField").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_words() {
        for (code, words) in [("withdraw-money", "Withdraw money"), ("view_Card", "View Card"), ("x", "X"), ("7", "7")]
        {
            assert_eq!(readable(code), words);
        }
    }
}
