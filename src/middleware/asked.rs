//! Who asks, where, and whether anybody does.
use http::request::Parts;

use super::guard::Guard;
use super::overlooked::Overlooked;
use super::stop::Stop;
use crate::decided::trail::Trail;
use crate::domain::coverage::Address;
use crate::domain::place::{Name, Place};
use crate::refusal::RefusalReason;
use crate::request::caller::is_preflight;
use crate::request::identify::User;
use crate::transaction::ReadBody;

/// Who asks, and for what.
pub(super) struct Asked<'a> {
    pub(super) place: &'a Place,
    pub(super) address: Address,
    pub(super) user: User,
    /// What its body was read as, where its route reads it.
    pub(super) read: Option<ReadBody>,
}

impl Guard {
    /// Who asks, and for what, unless nobody does: a preflight.
    pub(super) async fn asked(
        &self,
        parts: &mut Parts,
        is_empty: bool,
        trail: &Trail,
        overlooked: &mut Overlooked,
    ) -> Result<Option<Asked<'_>>, Stop> {
        if let Some(asker) = &self.particulars.asker {
            let place = &self.authsignal.places.main;
            return Ok(Some(Asked { place, address: Address::nowhere(), user: asker.user.clone(), read: None }));
        }
        trail.at("target");
        let address = Address::of(parts).await;
        if !address.received.path().starts_with('/') {
            overlooked.or_stop(RefusalReason::InvalidTarget)?;
        }
        trail.at("host");
        let (place, name) = self.authsignal.place_of(parts);
        if matches!(name, Name::Led) && overlooked.or_stop(RefusalReason::OtherHost).is_err() {
            return Err(Stop::Elsewhere(self.authsignal.places.main.elsewhere(&address.received)));
        }
        if place.is_received_callback(address.received.path()) {
            tracing::error!("the callback is guarded by a layer, so nobody can come back: merge `routes()` outside it");
            overlooked.or_stop(RefusalReason::CallbackGuarded)?;
        }
        // Before an extractor of the application's may change the parts.
        let is_preflight = is_empty && is_preflight(parts);
        trail.at("identify");
        match self.authsignal.identify(parts).await {
            Ok(Some(user)) => {
                self.authsignal.mistakes.has_named_at_layer.note();
                Ok(Some(Asked { place, address, user, read: None }))
            }
            Ok(None) | Err(_) if is_preflight => Ok(None),
            Ok(None) => {
                self.authsignal.warn_of_nobody_at_layer(&parts.headers);
                Err(RefusalReason::Unauthenticated.into())
            }
            Err(response) => {
                if !response.status().is_server_error() {
                    self.authsignal.warn_of_nobody_at_layer(&parts.headers);
                }
                Err(Stop::Respond(Box::new(response)))
            }
        }
    }
}
