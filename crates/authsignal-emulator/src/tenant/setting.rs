//! Which setting something is about, by its name in the configuration file.
use std::fmt;

/// Which setting something is about, named as in the configuration file: `rules[2].when.custom.amount.gt`.
///
/// Settings made in code have the same names, so that one check speaks of both.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Setting(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Key(String),
    Index(usize),
}

impl Setting {
    /// The file as a whole.
    pub(crate) fn root() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn top(key: &str) -> Self {
        Self::root().key(key)
    }

    pub(crate) fn key(&self, key: &str) -> Self {
        self.then(Part::Key(key.to_owned()))
    }

    /// A variable, which in a file may be one key in quotes as well as two without.
    pub(crate) fn variable(&self, name: &str) -> Self {
        match name.split_once('.') {
            Some((group, name)) => self.key(group).key(name),
            None => self.key(name),
        }
    }

    pub(crate) fn index(&self, index: usize) -> Self {
        self.then(Part::Index(index))
    }

    pub(crate) fn then(&self, part: Part) -> Self {
        let mut parts = self.0.clone();
        parts.push(part);
        Self(parts)
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.0
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            match part {
                Part::Index(index) => write!(f, "[{index}]")?,
                Part::Key(key) => {
                    f.write_str(if at == 0 { "" } else { "." })?;
                    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
                    if !key.is_empty() && key.bytes().all(bare) { f.write_str(key)? } else { write!(f, "{key:?}")? }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling() {
        let rule = Setting::top("rules").index(2);
        for (setting, spelling) in [
            (Setting::root(), ""),
            (rule.key("priority"), "rules[2].priority"),
            (rule.key("any").index(0).key("custom").key("a b").key("gt"), "rules[2].any[0].custom.\"a b\".gt"),
            (rule.key("when").variable("custom.amount"), "rules[2].when.custom.amount"),
            (rule.key("when").variable("custom.a.b"), "rules[2].when.custom.\"a.b\""),
            (rule.key("when").variable("amount"), "rules[2].when.amount"),
            (Setting::top("actions").key("sign-in_2").key("outcome"), "actions.sign-in_2.outcome"),
            (Setting::top("actions").key("").key("a\nb"), "actions.\"\".\"a\\nb\""),
        ] {
            assert_eq!(setting.to_string(), spelling);
        }
    }
}
