//! What the recipes guard, and no part of any: a payment, counted, and the page that it is made from.
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect};
use axum_authsignal::Verdict;
use serde::Deserialize;

/// How many payments were made.
#[derive(Clone, Default)]
pub(crate) struct Bank(Arc<AtomicUsize>);

impl Bank {
    pub(crate) fn payments(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add_payment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The names that may sign in. A password is no matter here.
pub(crate) fn is_user(name: &str) -> bool {
    ["ada", "grace"].contains(&name)
}

#[derive(Deserialize)]
pub(crate) struct Login {
    pub(crate) user: String,
}

#[derive(Deserialize)]
pub(crate) struct Payment {
    pub(crate) amount: u32,
}

/// The guarded handler. A `Verdict` is what it has to take: on a route that was left unguarded by mistake it fails closed.
pub(crate) async fn pay(State(bank): State<Bank>, _: Verdict, Form(Payment { amount }): Form<Payment>) -> Redirect {
    if amount > 0 {
        bank.add_payment();
    }
    // Relative, so that it is right behind a prefix too.
    Redirect::to(".")
}

/// The page for who is signed in, with a form that pays and what else is in that form; or the form to sign in.
pub(crate) fn page(bank: &Bank, is_signed_in: bool, hidden: &str) -> Html<String> {
    let forms = format!(
        "<form method=post action=pay>{hidden}<label>Amount <input name=amount></label><button>Pay</button></form>\
         <form method=post action=logout><button>Sign out</button></form>"
    );
    page_with("", bank, is_signed_in, &forms)
}

/// The same with other forms, and with something in its head.
pub(crate) fn page_with(head: &str, bank: &Bank, is_signed_in: bool, forms: &str) -> Html<String> {
    let login = "<form method=post action=login><label>Name <input name=user></label><button>Sign in</button></form>";
    let (heading, forms) = if is_signed_in {
        (format!("Payments: {}", bank.payments()), forms)
    } else {
        ("Who are you?".to_owned(), login)
    };
    document(head, &heading, forms)
}

/// A whole page.
pub(crate) fn document(head: &str, heading: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>A bank</title><link rel=icon href=data:,>{head}\
         <main><h1>{heading}</h1>{body}</main></html>"
    ))
}

/// A script from where `npm ci` puts it; an application has its own copy of it.
pub(crate) fn script(path: &str) -> Result<impl IntoResponse, StatusCode> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../node_modules").join(path);
    let script = std::fs::read_to_string(path).map_err(|_| StatusCode::NOT_FOUND)?;
    Ok(([(header::CONTENT_TYPE, "text/javascript")], script))
}
