//! The token of a challenge that a program brings with the request that it repeats.
use std::sync::Arc;

use http::HeaderName;
use http::request::Parts;

use super::case::Case;
use super::stop::Stop;
use crate::domain::flow::{Kind, Resolution};
use crate::redeem::is_token;
use crate::refusal::RefusalReason;
use crate::store::flows::{Admitted, BindingHash, Holder};

/// The header that a program brings it in.
const HEADER: HeaderName = HeaderName::from_static("authsignal-token");

/// A token that no layer has used yet. What is inside of all layers does not see it: the type is ours alone.
#[derive(Clone)]
struct Brought(Arc<str>);

/// Takes the token off the request, so that neither an extractor nor the handler is given it. It stays for a layer further in
/// as long as none has a flow for it.
pub(super) fn take_off(parts: &mut Parts) -> Result<(), RefusalReason> {
    let mut tokens = parts.headers.get_all(&HEADER).iter();
    let Some(token) = tokens.next() else { return Ok(()) };
    let is_only = tokens.next().is_none();
    let token = token.to_str().ok().filter(|token| is_only && is_token(token)).map(Arc::from);
    parts.headers.remove(&HEADER);
    parts.extensions.remove::<Brought>();
    parts.extensions.insert(Brought(token.ok_or(RefusalReason::InvalidToken)?));
    Ok(())
}

/// Takes it that none came along.
pub(super) fn forget(parts: &mut Parts) {
    parts.extensions.remove::<Brought>();
}

/// Whether a token came along.
pub(super) fn is_brought(parts: &Parts) -> bool {
    parts.extensions.get::<Brought>().is_some()
}

impl Case<'_> {
    /// What the flow that covers a request says, with the token that came along where one is needed: an approval of a
    /// browser's passes without, a client without a cookie shows its token each time.
    pub(super) async fn admit(
        &self,
        parts: &mut Parts,
        holder: &Holder,
        binding: &BindingHash,
    ) -> Result<Admitted, Stop> {
        let flows = &self.authsignal().flows;
        if matches!(holder, Holder::Browser(_)) {
            let admitted = flows.admit(holder, binding, self.run.id).await?;
            if !matches!(admitted, Admitted::SameChallenge(_)) {
                return Ok(admitted);
            }
            if !is_brought(parts) {
                return Ok(admitted);
            }
        } else {
            let met = flows.look(holder, binding, self.run.id).await?;
            match met {
                None => return Ok(Admitted::Nothing),
                // Who looked at the request, and not a token, lets it pass.
                Some((_, flow)) if flow.opening.is_review => {
                    return Ok(flows.admit(holder, binding, self.run.id).await?);
                }
                Some(_) => {}
            }
        }
        let Some(Brought(token)) = parts.extensions.remove::<Brought>() else { return Ok(Admitted::Nothing) };
        let redeemed = Arc::clone(&self.guard.authsignal).redeem(holder.clone(), *binding, token.as_ref().into()).await;
        let (answered, flow) = redeemed.map_err(Stop::Unredeemed)?;
        self.trail.is_of(&flow.opening.attempt);
        match (answered, flow.stage.kind) {
            (Resolution::Fail(_), Kind::Failed(state)) => Err(RefusalReason::State(state).into()),
            (Resolution::Fail(_), Kind::Insufficient(shortfall)) => Ok(Admitted::Insufficient(shortfall)),
            _ => Ok(flows.admit(holder, binding, self.run.id).await?),
        }
    }
}
