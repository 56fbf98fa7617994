//! The languages that our pages speak: four of our own, and those that an application adds.
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::HeaderMap;

use crate::config::ConfigError;
use crate::request::accept_language::{accepted, is_tag};

mod de;
mod en;
mod es;
mod fr;
pub(crate) mod text;

use text::Text;

/// A language that our pages speak besides English, German, French and Spanish, or other words for one of these.
///
/// Given to [`AuthsignalBuilder::language`](crate::AuthsignalBuilder::language).
///
/// # Examples
///
/// ```
/// use axum_authsignal::{Language, RefusalReason, Text};
///
/// struct Italian;
///
/// impl Language for Italian {
///     fn tag(&self) -> &str {
///         "it"
///     }
///     fn text(&self, text: Text<'_>) -> Option<String> {
///         Some(match text {
///             Text::Continue => "Continua".to_owned(),
///             Text::Cancel => "Annulla".to_owned(),
///             Text::ContinueWithin(1) => "Vale per un minuto.".to_owned(),
///             Text::ContinueWithin(minutes) => format!("Vale per {minutes} minuti."),
///             Text::RefusalTitle(RefusalReason::Unauthenticated) => "Accedi".to_owned(),
///             // And so on; what is left out is English.
///             _ => return None,
///         })
///     }
/// }
/// ```
pub trait Language: Send + Sync + 'static {
    /// Its tag (BCP 47), such as `it` or `pt-BR`.
    fn tag(&self) -> &str;

    /// What a text is in it; `None` for ours: in the same language, if it is one of the four, or else in English.
    fn text(&self, text: Text<'_>) -> Option<String>;

    /// Whether it is written from right to left. Default: no.
    fn is_right_to_left(&self) -> bool {
        false
    }
}

/// A language of our own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Own {
    #[default]
    English,
    German,
    French,
    Spanish,
}

impl Own {
    const ALL: [Self; 4] = [Self::English, Self::German, Self::French, Self::Spanish];

    fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    fn say(self, text: Text<'_>) -> Cow<'static, str> {
        match self {
            Self::English => en::say(text),
            Self::German => de::say(text),
            Self::French => fr::say(text),
            Self::Spanish => es::say(text),
        }
    }

    /// The one that a tag belongs to, by its primary subtag.
    fn of(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.tag().eq_ignore_ascii_case(primary(tag)))
    }
}

/// The words of one language.
#[derive(Clone, Default)]
pub(crate) struct Words {
    own: Own,
    added: Option<Arc<dyn Language>>,
}

impl Words {
    pub(crate) fn tag(&self) -> &str {
        self.added.as_ref().map_or(self.own.tag(), |added| added.tag())
    }

    pub(crate) fn is_right_to_left(&self) -> bool {
        self.added.as_ref().is_some_and(|added| added.is_right_to_left())
    }

    pub(crate) fn say(&self, text: Text<'_>) -> Cow<'static, str> {
        let added = self.added.as_ref().and_then(|added| added.text(text));
        added.map_or_else(|| self.own.say(text), Cow::Owned)
    }
}

/// Every language that our pages speak.
#[derive(Clone, Default)]
pub(crate) struct Languages {
    added: Vec<Arc<dyn Language>>,
}

impl Languages {
    pub(crate) fn new(added: Vec<Arc<dyn Language>>) -> Result<Self, ConfigError> {
        match added.iter().find(|language| !is_tag(language.tag())) {
            Some(language) => Err(ConfigError::Language { tag: language.tag().to_owned() }),
            None => Ok(Self { added }),
        }
    }

    /// The words for a browser: those of the language that it likes best of all that we have, or else English.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Words {
        accepted(headers).into_iter().find_map(|tag| self.find(tag)).unwrap_or_else(|| self.words("en"))
    }

    /// The language of a tag: that very one, or else one that it is a kind of, or else one of its kinds (RFC 4647, section
    /// 3.4, and what people mean by a `pt` where there is `pt-BR`). What was added comes before ours.
    fn find(&self, tag: &str) -> Option<Words> {
        let tags: Vec<_> = self.added.iter().map(|added| added.tag()).chain(Own::ALL.map(Own::tag)).collect();
        best(tag, &tags).map(|found| self.words(found))
    }

    fn words(&self, tag: &str) -> Words {
        let added = self.added.iter().find(|added| added.tag().eq_ignore_ascii_case(tag));
        Words { own: Own::of(tag).unwrap_or_default(), added: added.cloned() }
    }
}

/// Of several tags the one that is nearest to what is wanted.
pub(crate) fn best<'a>(wanted: &str, tags: &[&'a str]) -> Option<&'a str> {
    let mut range = wanted;
    loop {
        if let Some(found) = tags.iter().find(|tag| tag.eq_ignore_ascii_case(range)) {
            return Some(found);
        }
        let Some((shorter, _)) = range.rsplit_once('-') else { break };
        range = shorter;
    }
    tags.iter().find(|tag| primary(tag).eq_ignore_ascii_case(primary(wanted))).copied()
}

fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or_default()
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({})", self.tag())
    }
}

#[cfg(test)]
mod tests;
