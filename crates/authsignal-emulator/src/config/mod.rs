//! The configuration file.
pub(crate) mod convert;
pub(crate) mod error;
pub(crate) mod file;
#[cfg(test)]
mod tests;

use std::path::Path;

use secrecy::SecretString;

use crate::config::error::ConfigFileError;
use crate::config::file::File;
use crate::tenant::Tenant;

/// An emulator's configuration, from a TOML file.
///
/// Keys are in `snake_case`; outcomes, verification methods and variables are spelled as the service spells them. Every
/// key is optional but those that name something: the `id` of a user or an app client, the `cidr` of a network, the
/// `name` and the `actions` of a rule. A file with a key that isn't known, or that says what cannot work, is refused,
/// and the error names line, column and key.
///
/// # Examples
///
/// ```
/// use authsignal_emulator::{Config, Facts, Outcome};
///
/// let config = Config::from_toml(r#"
///     [actions.withdrawal]
///     outcome = "ALLOW"
///
///     [[rules]]
///     name = "Big transfers"
///     actions = ["withdrawal"]
///     outcome = "CHALLENGE"
///     when = { custom.amount = { gt = 1000 } }
/// "#)?;
/// let transfer = |amount: i32| config.tenant().decide("withdrawal", &Facts::new("ada").custom("amount", amount));
/// assert_eq!(transfer(1000).outcome, Outcome::Allow);
/// assert_eq!(transfer(1001).outcome, Outcome::Challenge);
/// # Ok::<(), authsignal_emulator::ConfigFileError>(())
/// ```
///
/// # The whole file
///
/// `docs/emulator.toml`, with each default, and where there is none, an example.
///
/// ```toml
#[doc = include_str!("../../docs/emulator.toml")]
/// ```
#[derive(Debug, Clone, Default)]
pub struct Config {
    pub(crate) tenant: Tenant,
    pub(crate) port: Option<u16>,
    pub(crate) secret: Option<SecretString>,
    pub(crate) control_key: Option<SecretString>,
    pub(crate) open_control: bool,
}

impl Config {
    /// Reads the text of a configuration file.
    ///
    /// # Errors
    ///
    /// [`ConfigFileError`] says where the text is no TOML, or which key is unknown or has a value that cannot work.
    pub fn from_toml(text: &str) -> Result<Self, ConfigFileError> {
        let document = toml::Deserializer::parse(text).map_err(|why| ConfigFileError::syntax(text, &why))?;
        let file: File = serde_path_to_error::deserialize(document).map_err(|why| ConfigFileError::form(text, &why))?;
        Self::from_file_form(file).map_err(|mistake| ConfigFileError::sense(text, mistake))
    }

    /// Reads a configuration file.
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml), and when the file can't be read or isn't UTF-8. Errors name the file.
    ///
    /// # Examples
    ///
    /// ```
    /// use authsignal_emulator::Config;
    ///
    /// let config = Config::from_file("docs/emulator.toml")?;
    /// # Ok::<(), authsignal_emulator::ConfigFileError>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigFileError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|why| ConfigFileError::unreadable(path, why))?;
        Self::from_toml(&text).map_err(|why| why.in_file(path))
    }

    /// The tenant that it sets up, its rules included. It has passed [`Tenant::check`].
    #[must_use = "has no effect by itself"]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The port on 127.0.0.1, if the file names one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}
