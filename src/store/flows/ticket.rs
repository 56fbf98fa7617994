//! Which flow a browser that comes back is at: a record under the ticket in the address that it comes back to.
use std::time::Duration;

use authsignal_client::IdempotencyKey;

use super::machine::{Found, Next, Record, Step, Transition};
use super::transition::Look;
use super::{BindingHash, FlowStore, Holder, Place};
use crate::domain::fields::Fields;
use crate::domain::flow::{ENDED, Flow, Moment};
use crate::domain::ticket::Ticket;
use crate::request::cookie::BrowserId;
use crate::store::Error;
use crate::store::seal::Purpose;

impl Record for BindingHash {}

/// Which flow a ticket is for. A random ticket is new, so what is found is a write of ours whose answer was lost; a review's is
/// the same each time.
struct WriteTicket<'a> {
    binding: &'a BindingHash,
    ttl: Duration,
}

impl Transition for WriteTicket<'_> {
    type Record = BindingHash;
    type Outcome = ();

    fn apply(&self, found: Found<BindingHash>, _: Moment) -> Next<BindingHash, ()> {
        match found {
            Found::Nothing => Next::Write(*self.binding, self.ttl, ()),
            Found::Here(..) | Found::Void(_) => Next::Done(()),
        }
    }
}

impl FlowStore {
    /// Writes down which flow a ticket is for.
    pub(crate) async fn write_ticket(
        &self,
        browser: &BrowserId,
        ticket: Ticket,
        binding: &BindingHash,
        flow: &Flow,
    ) -> Result<(), Error> {
        let place = Place { purpose: Purpose::Ticket, browser, what: ticket.as_bytes() };
        let name = self.keys.name(place.purpose, browser, place.what);
        let now = self.now();
        let write = WriteTicket { binding, ttl: flow.stage.until.after(now) + ENDED };
        self.finish(place, Step::create(write, name, now)).await
    }

    /// The ticket of a review: the same however often its request is sent, so that the store does not grow by that (threats T50
    /// and T117), and nobody's to guess, as it is made with the secret.
    pub(crate) fn review_ticket(&self, browser: &BrowserId, binding: &BindingHash, attempt: &IdempotencyKey) -> Ticket {
        let mut fields = Fields::new("review ticket");
        fields.add(binding);
        fields.add(attempt.as_str());
        Ticket::from_random(*self.keys.name(Purpose::Ticket, browser, &fields.finish()).as_bytes())
    }

    /// The flow that a ticket is for, if it is this browser's.
    pub(crate) async fn find(&self, browser: &BrowserId, ticket: Ticket) -> Result<Option<(BindingHash, Flow)>, Error> {
        let place = Place { purpose: Purpose::Ticket, browser, what: ticket.as_bytes() };
        let Some(binding) = self.run(place, Look::<BindingHash>::new()).await? else { return Ok(None) };
        let holder = Holder::Browser(browser.clone());
        let flow = self.run(Place::of(&holder, &binding), Look::<Flow>::new()).await?;
        Ok(flow.map(|flow| (binding, flow)))
    }
}
