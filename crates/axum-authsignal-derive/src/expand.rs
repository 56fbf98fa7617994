//! What the macro writes.
use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::ext::IdentExt as _;
use syn::{Data, DeriveInput, Error, Fields, Ident, LitStr, Result};

use crate::attributes::{OfField, OfStruct};

/// Parts of names that say that a field is a secret, which nobody is told and nobody is shown: those of `domain/form/secret.rs`
/// in the layer, where a test compares them.
const SECRETS: [&str; 17] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "cardnumber",
    "ccnumber",
    "creditcard",
    "cvv",
    "cvc",
    "privatekey",
    "securitycode",
    "otpcode",
    "pincode",
    "mfacode",
    "onetimecode",
];
const LAST_SECRETS: [&str; 6] = ["pass", "pin", "otp", "totp", "pan", "ssn"];

fn is_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let last = name.rsplit('_').next().unwrap_or_default();
    SECRETS.iter().any(|part| plain.contains(part)) || LAST_SECRETS.contains(&last)
}

/// A field that is sent.
struct Point {
    ident: Ident,
    name: LitStr,
    of: OfField,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let Data::Struct(data) = &input.data else {
        let what =
            "a transaction is derived for a struct with named fields: for anything else write `impl Transaction`";
        return Err(Error::new_spanned(&input.ident, what));
    };
    let Fields::Named(fields) = &data.fields else {
        let what = "a transaction is derived for named fields, whose names Authsignal is told: for others write `impl Transaction`";
        return Err(Error::new_spanned(&input.ident, what));
    };
    let of_struct = OfStruct::of(&input.attrs)?;
    let mut points = Vec::new();
    let mut names = BTreeSet::new();
    for field in &fields.named {
        let of = OfField::of(field)?;
        let Some(ident) = field.ident.clone().filter(|_| !of.is_skipped) else { continue };
        let plain = ident.unraw().to_string();
        if is_secret(&plain) {
            let what = "its name says that it is a secret, which is neither sent nor shown: `#[transaction(skip)]`";
            return Err(Error::new_spanned(field, what));
        }
        let name = of.name.clone().unwrap_or_else(|| LitStr::new(&plain, ident.span()));
        if !names.insert(name.value()) {
            return Err(Error::new_spanned(field, format!("two data points are called `{}`", name.value())));
        }
        points.push(Point { ident, name, of });
    }
    let root = of_struct.root.map_or_else(|| quote!(::axum_authsignal), |root| quote!(#root));
    let name = of_struct.name.unwrap_or_else(|| LitStr::new(&input.ident.unraw().to_string(), input.ident.span()));
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = input.generics.split_for_impl();
    let sent = points.iter().map(|point| {
        let (value, name) = (point.value(&root), &point.name);
        quote! {
            if let ::core::option::Option::Some(value) = #value {
                points = points.with(#name, value);
            }
        }
    });
    let shown = points.iter().filter(|point| !point.of.is_hidden).map(|point| {
        let (value, add) = (point.value(&root), point.add());
        quote! {
            if let ::core::option::Option::Some(value) = #value {
                summary = #add;
            }
        }
    });
    Ok(quote! {
        #[automatically_derived]
        impl #impl_generics #root::Transaction for #ident #type_generics #where_clause {
            const NAME: &'static str = #name;

            #[allow(unused_mut)]
            fn data_points(&self) -> #root::client::CustomData {
                let mut points = #root::client::CustomData::new();
                #(#sent)*
                points
            }

            #[allow(unused_mut, unused_variables)]
            fn summary(&self, language: &str) -> #root::Summary {
                let mut summary = #root::Summary::new();
                #(#shown)*
                summary
            }
        }
    })
}

impl Point {
    /// What is sent of it, if anything is.
    fn value(&self, root: &TokenStream) -> TokenStream {
        let ident = &self.ident;
        if self.of.is_displayed {
            let text = quote!(::std::string::ToString::to_string(&self.#ident));
            return quote!(::core::option::Option::Some(#root::client::CustomValue::from(#text)));
        }
        quote!(#root::DataPoint::data_point(&self.#ident))
    }

    /// Adds it to what is shown.
    fn add(&self) -> TokenStream {
        let name = &self.name;
        let usual = self.of.label.as_ref();
        if usual.is_none() && self.of.labels.is_empty() {
            return quote!(summary.and_data_point(#name, &value));
        }
        let tags = self.of.labels.iter().map(|(tag, _)| tag);
        let labels = self.of.labels.iter().map(|(_, label)| label);
        let language = format_ident!("language");
        let otherwise = match usual {
            Some(label) => quote!(summary.and_data_point_as(#label, &value)),
            None => quote!(summary.and_data_point(#name, &value)),
        };
        quote! {
            match #language.split('-').next().unwrap_or_default() {
                #(tag if tag.eq_ignore_ascii_case(#tags) => summary.and_data_point_as(#labels, &value),)*
                _ => #otherwise,
            }
        }
    }
}
