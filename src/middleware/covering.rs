//! What covers a request: an approval of its own, one that another route remembers, or a challenge that still waits.
use bytes::Bytes;
use http::request::Parts;

use super::body::{Reading, ReplayBody};
use super::case::Case;
use super::guard::Guard;
use super::stop::Stop;
use super::token;
use crate::domain::flow::{Admission, Flow, Proof};
use crate::domain::proof_policy::Shortfall;
use crate::domain::ticket::Ticket;
use crate::refusal::RefusalReason;
use crate::store::flows::{Admitted, Holder, Spending};

/// What a request meets.
pub(super) enum Covering {
    Approved(Box<Approved>),
    /// A proof that is not what the route asks for.
    Insufficient(Shortfall),
    Nothing,
}

/// An approval that covers a request, spent on it if it is good for one.
pub(super) struct Approved {
    pub(super) proof: Proof,
    pub(super) flow: Flow,
    pub(super) spending: Option<Spending>,
}

impl Guard {
    /// What a request meets: the approval that covers it, if there is one. A challenge for the same thing that still waits is
    /// its answer.
    pub(super) async fn covering<B: ReplayBody>(
        &self,
        case: &Case<'_>,
        parts: &mut Parts,
        mut body: Reading<B>,
        (holder, ticket): (Holder, Ticket),
    ) -> Result<(Reading<B>, Covering), Stop> {
        if self.policy.coverage.reads_body() {
            body = body.read(self.authsignal.body_limit).await?;
        }
        let has_token = token::is_brought(parts);
        let Some(binding) = case.binding(parts, body.whole()) else { return Ok((body, Covering::Nothing)) };
        let mut covering = Covering::Nothing;
        let mut admitted = case.admit(parts, &holder, &binding).await?;
        if let Admitted::UnderReview(_) = admitted {
            case.trail.found(|| "waits for a review".to_owned());
            self.authsignal.look_at_review(&holder, &binding).await.map_err(Stop::Unredeemed)?;
            admitted = self.authsignal.flows.admit(&holder, &binding, case.run.id).await?;
        }
        match admitted {
            Admitted::Pass(proof, flow, spending) => {
                case.trail.found(|| "approved".to_owned());
                // It may have been proved on another node.
                self.authsignal.gives_room_back(&flow.opening, &flow.opening.attempt);
                case.mark_sent(parts, &holder, &binding, &flow).await;
                return Ok((body, Covering::Approved(Box::new(Approved { proof, flow, spending }))));
            }
            Admitted::SameChallenge(flow) => {
                case.trail.found(|| "waits for its proof".to_owned());
                body = case.read_for_challenge(parts, body).await?;
                let saved = case.saved_request(parts, body.whole());
                case.save_request(&holder, &binding, &flow, saved).await?;
                return Err(case.challenge(&flow, None, None));
            }
            Admitted::Repeated(flow) if has_token || case.is_form_of(parts, &flow) => {
                case.trail.is_of(&flow.opening.attempt);
                case.trail.found(|| "spent a moment ago".to_owned());
                return Err(RefusalReason::AlreadyDone.into());
            }
            Admitted::UnderReview(flow) => {
                body = case.read_for_challenge(parts, body).await?;
                let saved = case.saved_request(parts, body.whole());
                case.save_request(&holder, &binding, &flow, saved).await?;
                let mut ticket = ticket;
                if let Holder::Browser(browser) = &holder {
                    ticket = self.authsignal.flows.review_ticket(browser, &binding, &flow.opening.attempt);
                    self.authsignal.flows.write_ticket(browser, ticket, &binding, &flow).await?;
                }
                return Err(case.under_review(flow, ticket, None));
            }
            Admitted::Refused(state, flow) => {
                case.trail.is_of(&flow.opening.attempt);
                self.authsignal.ledger.refused(case.account(parts), self.authsignal.flows.now());
                return Err(RefusalReason::State(state).into());
            }
            Admitted::Insufficient(shortfall) => {
                case.trail.found(|| "a proof that does not count here".to_owned());
                covering = Covering::Insufficient(shortfall);
            }
            Admitted::Repeated(_) | Admitted::Nothing => case.trail.found(|| "none".to_owned()),
        }
        if let Some(approved) = self.laxer(case, parts, body.whole(), &holder).await? {
            return Ok((body, Covering::Approved(Box::new(approved))));
        }
        // The store is asked already; whoever brings no such cookie is told once a challenge is asked for.
        match case.waits_for_room(parts).await? {
            Some(over) => Err(Stop::Over(over)),
            None => Ok((body, covering)),
        }
    }

    /// A remembered approval that a route left which asks less of proofs, if its proof is enough here too. Nothing is changed
    /// for that route.
    async fn laxer(
        &self,
        case: &Case<'_>,
        parts: &Parts,
        body: Option<&Bytes>,
        holder: &Holder,
    ) -> Result<Option<Approved>, Stop> {
        let flows = &self.authsignal.flows;
        let binding = case.laxer_binding(parts, body).filter(|_| !case.is_bearer);
        let Some(binding) = binding else { return Ok(None) };
        let found = flows.look(holder, &binding, case.run.id).await?;
        Ok(found.and_then(|(admission, flow)| match admission {
            Admission::Pass(proof, None)
                if flow.opening.remember.is_some() && proof.shortfall(&self.policy.proof, flows.now()).is_none() =>
            {
                Some(Approved { proof, flow, spending: None })
            }
            _ => None,
        }))
    }
}
