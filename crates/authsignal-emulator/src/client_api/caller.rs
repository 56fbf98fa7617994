//! Who calls: the holder of a token, or an application that only names its tenant.
use std::sync::Arc;

use authsignal_client::UserId;
use axum::extract::FromRequestParts;
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};

use crate::credentials::tokens::TokenError;
use crate::db::action::{ActionId, Scope};
use crate::http::error::ApiError;
use crate::state::{AppState, TokenContext};

/// Whom a token is about. That of a sign-in without an action is about a user alone.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(super) user: UserId,
    pub(super) scope: Scope,
    pub(super) token_context: Option<TokenContext>,
}

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    Holder(Box<Holder>),
    Tenant,
}

impl Caller {
    /// What a token that is about an action stands for.
    pub(super) fn token_context(self) -> Option<TokenContext> {
        if let Self::Holder(holder) = self { holder.token_context } else { None }
    }

    /// That action.
    pub(super) fn action(self) -> Option<ActionId> {
        self.token_context().map(|token_context| token_context.id)
    }
}

/// The holder of a token that is about an action.
#[derive(Debug, Clone)]
pub(super) struct Bearer(pub(super) TokenContext);

impl AppState {
    pub(super) fn holder(&self, token: &str) -> Result<Holder, TokenError> {
        let claims = self.tokens.check(token, self.clock.now())?;
        let user = UserId::new(&claims.other.user_id).map_err(|_| TokenError::Invalid)?;
        let token_context = if claims.other.action_code.is_empty() { None } else { Some(self.token_context(token)?) };
        Ok(Holder { user, scope: Scope::parse(&claims.scope), token_context })
    }

    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<Caller, ApiError> {
        let credentials = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, given) = credentials.split_once(' ').unwrap_or_default();
        if scheme.eq_ignore_ascii_case("bearer") {
            Ok(Caller::Holder(Box::new(self.holder(given.trim())?)))
        } else if scheme.eq_ignore_ascii_case("basic") && tenant(given.trim()).as_deref() == Some(&self.tokens.tenant) {
            Ok(Caller::Tenant)
        } else {
            Err(ApiError::unauthorized())
        }
    }
}

/// The tenant in the credentials of HTTP Basic: with the colon or, as the browser SDK has it, without
/// (`src/api/helpers.ts`), in base64 or, as the iOS SDK has it, in base64url (`BaseAPIClient.swift`).
fn tenant(encoded: &str) -> Option<String> {
    const ANY: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let decode = |alphabet| GeneralPurpose::new(alphabet, ANY).decode(encoded);
    let decoded = decode(&STANDARD).or_else(|_| decode(&URL_SAFE)).ok()?;
    let (decoded, _) = decoded.split_at(decoded.iter().position(|byte| *byte == b':').unwrap_or(decoded.len()));
    percent_encoding::percent_decode(decoded).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

impl From<TokenError> for ApiError {
    fn from(fault: TokenError) -> Self {
        match fault {
            TokenError::Expired => Self::of(StatusCode::UNAUTHORIZED, "expired_token", "The token has expired."),
            TokenError::Invalid => Self::of(StatusCode::UNAUTHORIZED, "unauthorized", "The token is invalid."),
        }
    }
}

impl FromRequestParts<Arc<AppState>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<AppState>) -> Result<Self, ApiError> {
        shared.caller(&parts.headers)
    }
}

impl FromRequestParts<Arc<AppState>> for Holder {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<AppState>) -> Result<Self, ApiError> {
        match shared.caller(&parts.headers)? {
            Caller::Holder(holder) => Ok(*holder),
            Caller::Tenant => Err(ApiError::of(StatusCode::UNAUTHORIZED, "unauthorized", "A token is needed.")),
        }
    }
}

impl FromRequestParts<Arc<AppState>> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<AppState>) -> Result<Self, ApiError> {
        let holder = Holder::from_request_parts(parts, shared).await?;
        holder.token_context.map(Self).ok_or_else(|| ApiError::invalid("The token is about no action."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_in_every_encoding() {
        for (encoded, found) in [
            ("MTExMTExMTEtMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU1NTU1", Some("11111111-2222-4333-8444-555555555555")),
            ("dDo=", Some("t")),
            ("dDo", Some("t")),
            ("dDpwYXNzd29yZA==", Some("t")),
            ("dD8-Og==", Some("t?>")),
            ("dD8+Og==", Some("t?>")),
            ("dCUyMHU=", Some("t u")),
            ("", Some("")),
            ("/w==", None),
            ("!", None),
        ] {
            assert_eq!(tenant(encoded).as_deref(), found, "{encoded}");
        }
    }
}
