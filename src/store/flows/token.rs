//! Keeps a token that cannot be taken yet, sealed with its browser's key, so that it need not stay in an address (threat T10); and
//! where the store is what is missing, the sealed token goes along in the address.
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::machine::{Found, Next, Record, Transition};
use super::transition::Look;
use super::{FlowStore, Place};
use crate::domain::flow::{Flow, Moment};
use crate::domain::ticket::Ticket;
use crate::request::cookie::BrowserId;
use crate::store::Error;
use crate::store::seal::Purpose;

/// How long a record is kept that says that there is none.
const EMPTY: Duration = Duration::from_secs(1);

/// The last token that came back, if it is kept.
type KeptToken = Option<String>;

impl Record for KeptToken {}

/// Writes over whatever was kept.
struct KeepToken<'a> {
    token: Option<&'a str>,
    ttl: Duration,
}

impl Transition for KeepToken<'_> {
    type Record = KeptToken;
    type Outcome = ();

    fn apply(&self, _: Found<KeptToken>, _: Moment) -> Next<KeptToken, ()> {
        Next::Write(self.token.map(str::to_owned), self.ttl, ())
    }
}

fn place<'a>(browser: &'a BrowserId, ticket: &'a Ticket) -> Place<'a> {
    Place { purpose: Purpose::Token, browser, what: ticket.as_bytes() }
}

impl FlowStore {
    /// Keeps the last token that came back for a flow, as long as the flow itself.
    pub(crate) async fn keep_token(
        &self,
        browser: &BrowserId,
        ticket: Ticket,
        token: &str,
        flow: &Flow,
    ) -> Result<(), Error> {
        let ttl = flow.stage.until.after(self.now());
        self.run(place(browser, &ticket), KeepToken { token: Some(token), ttl }).await
    }

    /// The token that waits to be taken.
    pub(crate) async fn kept_token(&self, browser: &BrowserId, ticket: Ticket) -> Result<Option<String>, Error> {
        Ok(self.run(place(browser, &ticket), Look::<KeptToken>::new()).await?.flatten())
    }

    /// Keeps it no longer.
    pub(crate) async fn forget_token(&self, browser: &BrowserId, ticket: Ticket) -> Result<(), Error> {
        self.run(place(browser, &ticket), KeepToken { token: None, ttl: EMPTY }).await
    }

    /// A token for the address of its flow's page, where the store cannot take it: sealed, so that it is of use to this
    /// browser alone, and here.
    pub(crate) fn carry_token(&self, browser: &BrowserId, ticket: Ticket, token: &str) -> String {
        let key = self.keys.name(Purpose::CarriedToken, browser, ticket.as_bytes());
        let what = ticket.as_bytes();
        URL_SAFE_NO_PAD.encode(self.keys.seal(Purpose::CarriedToken, browser, what, &key, token.as_bytes()))
    }

    /// The token that an address brings back.
    pub(crate) fn carried_token(&self, browser: &BrowserId, ticket: Ticket, carried: &str) -> Option<String> {
        let sealed = URL_SAFE_NO_PAD.decode(carried).ok()?;
        let names = self.keys.names(Purpose::CarriedToken, browser, ticket.as_bytes());
        let opened = names.iter().find_map(|key| self.keys.open(Purpose::CarriedToken, browser, key, &sealed));
        String::from_utf8(opened?).ok()
    }
}
