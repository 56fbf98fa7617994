//! What stands in `#[transaction(..)]`, on a struct and on a field.
use syn::meta::ParseNestedMeta;
use syn::{Attribute, Error, Field, LitStr, Path, Result, Token, parenthesized};

/// On the struct.
#[derive(Default)]
pub(crate) struct OfStruct {
    pub(crate) name: Option<LitStr>,
    pub(crate) root: Option<Path>,
}

/// On a field.
#[derive(Default)]
pub(crate) struct OfField {
    pub(crate) name: Option<LitStr>,
    pub(crate) label: Option<LitStr>,
    /// By the tags of their languages.
    pub(crate) labels: Vec<(LitStr, LitStr)>,
    pub(crate) is_displayed: bool,
    pub(crate) is_hidden: bool,
    pub(crate) is_skipped: bool,
}

fn each(
    attributes: &[Attribute],
    mut take: impl FnMut(&ParseNestedMeta<'_>) -> Result<bool>,
    known: &str,
) -> Result<()> {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("transaction")) {
        attribute.parse_nested_meta(|meta| {
            if take(&meta)? {
                Ok(())
            } else {
                Err(meta.error(format!("unknown attribute of a transaction: there are {known}")))
            }
        })?;
    }
    Ok(())
}

/// The text behind `name = `, given once.
fn text(meta: &ParseNestedMeta<'_>, known: &mut Option<LitStr>) -> Result<bool> {
    let text: LitStr = meta.value()?.parse()?;
    if text.value().trim().is_empty() {
        return Err(Error::new(text.span(), "this cannot be empty"));
    }
    if known.replace(text).is_some() {
        return Err(meta.error("given twice"));
    }
    Ok(true)
}

impl OfStruct {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut all = Self::default();
        let take = |meta: &ParseNestedMeta<'_>| {
            if meta.path.is_ident("name") {
                text(meta, &mut all.name)
            } else if meta.path.is_ident("crate") {
                let root: LitStr = meta.value()?.parse()?;
                all.root = Some(root.parse()?);
                Ok(true)
            } else {
                Ok(false)
            }
        };
        each(attributes, take, "`name` and `crate`")?;
        Ok(all)
    }
}

impl OfField {
    pub(crate) fn of(field: &Field) -> Result<Self> {
        let mut all = Self::default();
        let take = |meta: &ParseNestedMeta<'_>| {
            let flag = |flag: &mut bool| {
                *flag = true;
                Ok(true)
            };
            if meta.path.is_ident("name") {
                text(meta, &mut all.name)
            } else if meta.path.is_ident("label") {
                text(meta, &mut all.label)
            } else if meta.path.is_ident("label_in") {
                let inside;
                parenthesized!(inside in meta.input);
                let tag = inside.parse()?;
                inside.parse::<Token![,]>()?;
                all.labels.push((tag, inside.parse()?));
                Ok(true)
            } else if meta.path.is_ident("display") {
                flag(&mut all.is_displayed)
            } else if meta.path.is_ident("hidden") {
                flag(&mut all.is_hidden)
            } else if meta.path.is_ident("skip") {
                flag(&mut all.is_skipped)
            } else {
                Ok(false)
            }
        };
        each(&field.attrs, take, "`name`, `label`, `label_in`, `display`, `hidden` and `skip`")?;
        let is_said =
            all.name.is_some() || all.label.is_some() || !all.labels.is_empty() || all.is_displayed || all.is_hidden;
        if all.is_skipped && is_said {
            return Err(Error::new_spanned(
                field,
                "a field that is skipped is neither sent nor shown: leave the rest out",
            ));
        }
        if all.is_hidden && (all.label.is_some() || !all.labels.is_empty()) {
            return Err(Error::new_spanned(field, "a field that is hidden has no label"));
        }
        Ok(all)
    }
}
