//! What the recipes guard, and no part of any: a payment, counted, and the page that it is made from.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Form, State};
use axum::response::{Html, Redirect};
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

/// The page for who is signed in, with a form that pays, and what else is in that form; or the form to sign in.
pub(crate) fn page(bank: &Bank, is_signed_in: bool, hidden: &str) -> Html<String> {
    let body = if is_signed_in {
        format!(
            "<h1>Payments: {}</h1><form method=post action=pay>{hidden}<label>Amount <input name=amount></label>\
             <button>Pay</button></form><form method=post action=logout><button>Sign out</button></form>",
            bank.payments()
        )
    } else {
        "<h1>Who are you?</h1><form method=post action=login><label>Name <input name=user></label>\
         <button>Sign in</button></form>"
            .to_owned()
    };
    document("", &body)
}

/// A whole page with this in its head and its body.
pub(crate) fn document(head: &str, body: &str) -> Html<String> {
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><title>A bank</title>\
         <link rel=icon href=data:,>{head}<main>{body}</main></html>"
    ))
}
