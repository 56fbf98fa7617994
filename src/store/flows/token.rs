//! Keeps a token that cannot be taken yet, sealed with its browser's key, so that it need not stay in an address (threat T10).
use std::time::Duration;

use super::{FlowStore, Slot, Tries};
use crate::domain::flow::Flow;
use crate::domain::ticket::Ticket;
use crate::request::cookie::BrowserId;
use crate::store::Error;
use crate::store::seal::Purpose;

/// How long a record is kept that says that there is none.
const EMPTY: Duration = Duration::from_secs(1);

impl FlowStore {
    /// Keeps the last token that came back for a flow, as long as the flow itself.
    pub(crate) async fn keep_token(
        &self,
        browser: &BrowserId,
        ticket: Ticket,
        token: &str,
        flow: &Flow,
    ) -> Result<(), Error> {
        self.put_token(browser, ticket, Some(token), self.ttl(&flow.stage)).await
    }

    /// The token that waits to be taken.
    pub(crate) async fn kept_token(&self, browser: &BrowserId, ticket: Ticket) -> Result<Option<String>, Error> {
        let slot: Slot<Option<String>> = self.slot_of(Purpose::Token, browser, ticket.as_bytes()).await?;
        Ok(slot.record.flatten())
    }

    /// Keeps it no longer.
    pub(crate) async fn forget_token(&self, browser: &BrowserId, ticket: Ticket) -> Result<(), Error> {
        self.put_token(browser, ticket, None, EMPTY).await
    }

    async fn put_token(
        &self,
        browser: &BrowserId,
        ticket: Ticket,
        token: Option<&str>,
        ttl: Duration,
    ) -> Result<(), Error> {
        let mut tries = Tries::default();
        loop {
            let slot: Slot<Option<String>> = self.slot_of(Purpose::Token, browser, ticket.as_bytes()).await?;
            let record = token.map(str::to_owned);
            if tries.wrote(self.write_as(Purpose::Token, browser, &slot, &record, ttl).await)? {
                return Ok(());
            }
        }
    }
}
