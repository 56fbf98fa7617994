//! Why a configuration file is refused, and where in it.
use std::error::Error as StdError;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use serde_path_to_error::Segment;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::tenant::error::TenantError;
use crate::tenant::setting::{Part, Setting};

/// Why a configuration file is refused: where in it, which key, and what is wrong there.
///
/// # Examples
///
/// ```
/// use authsignal_emulator::Config;
///
/// let refused = Config::from_toml("[actions.withdrawal]\noutcome = \"CHALENGE\"").unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "line 2, column 11: actions.withdrawal.outcome: \
///      unknown outcome \"CHALENGE\"; one of ALLOW, CHALLENGE, REVIEW, BLOCK",
/// );
/// assert_eq!((refused.line(), refused.key().as_deref()), (Some(2), Some("actions.withdrawal.outcome")));
/// ```
#[derive(Debug)]
pub struct ConfigFileError {
    file: Option<PathBuf>,
    /// Connection and column, from 1.
    position: Option<(usize, usize)>,
    mistake: Mistake,
    source: Option<io::Error>,
}

/// What is wrong, before anybody has looked up where that stands.
#[derive(Debug)]
pub(super) struct Mistake {
    setting: Setting,
    message: String,
}

impl Mistake {
    pub(super) fn new(setting: Setting, message: String) -> Self {
        Self { setting, message }
    }
}

impl From<TenantError> for Mistake {
    fn from(error: TenantError) -> Self {
        let text = error.to_string();
        let message = text.strip_prefix(&format!("{}: ", error.setting())).unwrap_or(&text).to_owned();
        Self { setting: error.setting().clone(), message }
    }
}

impl ConfigFileError {
    /// The line, from 1. None when the file could not be read.
    #[must_use]
    pub fn line(&self) -> Option<usize> {
        self.position.map(|(line, _)| line)
    }

    /// The column in that line, from 1, in characters.
    #[must_use]
    pub fn column(&self) -> Option<usize> {
        self.position.map(|(_, column)| column)
    }

    /// The key, with those of the tables around it: `rules[2].when.custom.amount.gt`. None when the file could not be
    /// read, or isn't TOML.
    #[must_use]
    pub fn key(&self) -> Option<String> {
        Some(self.mistake.setting.to_string()).filter(|key| !key.is_empty())
    }

    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        let mistake = Mistake::new(Setting::root(), "cannot be read".to_owned());
        Self { file: Some(path.to_owned()), position: None, mistake, source: Some(source) }
    }

    pub(super) fn in_file(mut self, path: &Path) -> Self {
        self.file = Some(path.to_owned());
        self
    }

    /// The text is no TOML.
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        Self::at(text, at, Mistake::new(Setting::root(), error.message().to_owned()))
    }

    /// The text is TOML of another form.
    pub(super) fn form(text: &str, error: &serde_path_to_error::Error<toml::de::Error>) -> Self {
        let mut setting = Setting::root();
        for segment in error.path() {
            setting = match segment {
                Segment::Seq { index } => setting.index(*index),
                Segment::Map { key } => setting.key(key),
                Segment::Enum { .. } | Segment::Unknown => setting,
            };
        }
        let span = error.inner().span().unwrap_or(0..text.len());
        // Of a list the parser tells the whole; of a key that isn't known, the key itself.
        let found = locate(text, &setting).filter(|at| span.contains(at));
        let mistake = Mistake::new(setting, error.inner().message().to_owned());
        Self::at(text, found.unwrap_or(span.start), mistake)
    }

    /// The text says something that cannot work.
    pub(super) fn sense(text: &str, mistake: Mistake) -> Self {
        let at = locate(text, &mistake.setting).unwrap_or(0);
        Self::at(text, at, mistake)
    }

    fn at(text: &str, at: usize, mistake: Mistake) -> Self {
        let before = text.get(..at).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        let position = (before.matches('\n').count() + 1, line.trim_start_matches('\u{feff}').chars().count() + 1);
        Self { file: None, position: Some(position), mistake, source: None }
    }
}

/// Where a setting stands: its value, or else the innermost of what is around it and is there.
fn locate(text: &str, setting: &Setting) -> Option<usize> {
    let document = DeValue::Table(DeTable::parse(text).ok()?.into_inner());
    let (mut value, mut parts, mut at) = (&document, setting.parts(), None);
    while let Some((found, rest)) = member(value, parts) {
        (value, parts, at) = (found.get_ref(), rest, Some(found.span().start));
    }
    at
}

/// The value that the first of `parts` leads to, and what is left of them.
fn member<'v, 'i, 'p>(value: &'v DeValue<'i>, parts: &'p [Part]) -> Option<(&'v Spanned<DeValue<'i>>, &'p [Part])> {
    match (value, parts) {
        (DeValue::Array(list), [Part::Index(index), rest @ ..]) => Some((list.get(*index)?, rest)),
        (DeValue::Table(table), [Part::Key(key), rest @ ..]) => {
            // A variable in quotes is one key.
            let quoted = match rest {
                [Part::Key(name), rest @ ..] => table.get(format!("{key}.{name}").as_str()).map(|found| (found, rest)),
                _ => None,
            };
            quoted.or_else(|| Some((table.get(key.as_str())?, rest)))
        }
        _ => None,
    }
}

impl fmt::Display for ConfigFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.position) {
            (Some(file), Some((line, column))) => write!(f, "{}:{line}:{column}: ", file.display())?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, Some((line, column))) => write!(f, "line {line}, column {column}: ")?,
            (None, None) => {}
        }
        let Mistake { setting, message } = &self.mistake;
        if !setting.parts().is_empty() {
            write!(f, "{setting}: ")?;
        }
        f.write_str(message)
    }
}

impl StdError for ConfigFileError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source as &(dyn StdError + 'static))
    }
}
