//! Why a setting is refused.
use authsignal_client::VerificationMethod;
use thiserror::Error;

use crate::rules::facts::VARIABLES;
use crate::tenant::methods::METHODS;
use crate::tenant::setting::Setting;

/// A setting of a [`Tenant`](crate::Tenant) that cannot work, found before an emulator runs with it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TenantError {
    /// A value is not one that the setting takes.
    #[error("{setting}: invalid value {value}: {reason}")]
    #[non_exhaustive]
    Value {
        /// Which setting it is.
        setting: Setting,
        /// The value as it was given; a text in quotes, a URL without what may hold a secret.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A secret is not one that the setting takes. It is not shown.
    #[error("{setting}: invalid value: {reason}")]
    #[non_exhaustive]
    Secret {
        /// Which setting it is.
        setting: Setting,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something has to be set that is not.
    #[error("{setting}: missing: {reason}")]
    #[non_exhaustive]
    Missing {
        /// Which setting it is.
        setting: Setting,
        /// Why it is needed.
        reason: String,
    },
    /// A value has to be the only one of its kind, and is not.
    #[error("{setting}: {value} is taken by {by}")]
    #[non_exhaustive]
    Taken {
        /// Which setting it is.
        setting: Setting,
        /// The value as it was given.
        value: String,
        /// The setting that has it.
        by: Setting,
    },
    /// The emulator has no such verification method.
    #[error("{setting}: unknown method {:?}; one of {}", method.as_str(), one_of(METHODS.iter()))]
    #[non_exhaustive]
    UnknownMethod {
        /// Which setting it is.
        setting: Setting,
        /// The method as it was given.
        method: VerificationMethod,
    },
    /// The emulator has the method, but the tenant doesn't offer it, or the action or rule doesn't allow it.
    #[error("{setting}: {method} is not among {among}")]
    #[non_exhaustive]
    NotOffered {
        /// Which setting it is.
        setting: Setting,
        /// The method.
        method: VerificationMethod,
        /// The setting that lists those that are.
        among: Setting,
    },
    /// A rule looks at something that the emulator doesn't know.
    #[error("{setting}: unknown variable {variable:?}; one of {}, custom.<name>", one_of(VARIABLES.iter().map(|v| v.0)))]
    #[non_exhaustive]
    UnknownVariable {
        /// Which setting it is.
        setting: Setting,
        /// The variable as it was given.
        variable: String,
    },
    /// A condition of a rule could never hold, because its value is of another type than its variable or operator.
    #[error("{setting}: {reason}")]
    #[non_exhaustive]
    Condition {
        /// Which setting it is.
        setting: Setting,
        /// What is wrong with it.
        reason: String,
    },
}

impl TenantError {
    /// Which setting it is about.
    #[must_use]
    pub fn setting(&self) -> &Setting {
        match self {
            Self::Value { setting, .. }
            | Self::Secret { setting, .. }
            | Self::Missing { setting, .. }
            | Self::Taken { setting, .. }
            | Self::UnknownMethod { setting, .. }
            | Self::NotOffered { setting, .. }
            | Self::UnknownVariable { setting, .. }
            | Self::Condition { setting, .. } => setting,
        }
    }
}

fn one_of<T: ToString>(words: impl Iterator<Item = T>) -> String {
    words.map(|word| word.to_string()).collect::<Vec<_>>().join(", ")
}
