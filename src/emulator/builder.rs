//! Starting.
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::middleware::from_fn_with_state;
use http::StatusCode;
use secrecy::ExposeSecret;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use super::gateway::gateway;
use super::hooks::{HookSettings, Hooks};
use super::line::{Door, HangUp};
use super::tokens::Tokens;
use super::webauthn::{LOCALHOST, RelyingParty};
use super::world::World;
use super::{Config, Emulator, Shared, Tenant, api, client_api, page};
use crate::client::Client;
use crate::clock::Clock;

/// How an [`Emulator`] is to run.
#[derive(Debug, Clone)]
#[must_use = "does nothing until it is started"]
pub struct EmulatorBuilder {
    clock: Clock,
    secret: Option<String>,
    port: u16,
    tenant: Tenant,
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        Self { clock: Clock::adjustable(), secret: None, port: 0, tenant: Tenant::default() }
    }
}

impl EmulatorBuilder {
    /// By which it tells the time, so that a test can let tokens and codes expire. Default: an
    /// [adjustable](Clock::adjustable) one, which [`Emulator::advance`] moves.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The API secret key that it takes. Default: a random one.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into());
        self
    }

    /// The port on 127.0.0.1. Default: 0, any that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How its tenant is set up. Default: [`Tenant::new`].
    pub fn tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = tenant;
        self
    }

    /// All that a configuration file says: the tenant, and port and secret if it names them.
    pub fn config(mut self, config: &Config) -> Self {
        self.tenant = config.tenant.clone();
        self.port = config.port.unwrap_or(self.port);
        self.secret = config.secret.as_ref().map(|secret| secret.expose_secret().to_owned()).or(self.secret);
        self
    }

    /// Starts it on the current tokio runtime.
    ///
    /// The first in a process makes the RSA key of its tokens meanwhile; the first requests wait for that, a second at most.
    ///
    /// # Errors
    ///
    /// When the port can't be bound, or the secret or the tenant can't work.
    pub async fn start(self) -> io::Result<Emulator> {
        let secret = self.secret.unwrap_or_else(|| format!("emulator-{}", Uuid::new_v4().simple()));
        self.tenant.check().map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let tenant_id = self.tenant.id.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
        let tokens = Tokens::soon(tenant_id.clone(), self.tenant.token_life);
        let door = Door::open(self.port).await?;
        let origin = format!("http://{}", door.address());
        let base_url = format!("{origin}/v1");
        let client = Client::builder(secret.as_str()).base_url(base_url.as_str()).build();
        let client = client.map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let second = self.tenant.second_secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let secrets = std::iter::once(secret.clone()).chain(second).collect::<Vec<_>>();
        let hooks = Hooks::new(HookSettings::of(&self.tenant)?, secrets.clone(), tenant_id, self.clock.clone());
        let relying_party = relying_party(&self.tenant);
        let world = World::new(self.tenant, self.clock.now());
        let shared = Arc::new(Shared {
            clock: self.clock,
            secrets,
            origin,
            tokens,
            hooks,
            relying_party,
            world: Mutex::new(world),
            seen: Default::default(),
            scripts: Default::default(),
        });
        let service = router(&shared).into_make_service_with_connect_info::<HangUp>();
        let listener = door.clone();
        let server = tokio::spawn(async move {
            // Never ends by itself: the listener answers no error, and it is aborted with the emulator.
            let _ = axum::serve(listener, service).await;
        });
        Ok(Emulator { shared, base_url, client, door, server })
    }
}

/// The site that passkeys are made for. Its own host is its origin, whichever the application's page is on.
fn relying_party(tenant: &Tenant) -> RelyingParty {
    let id = tenant.relying_party_id.as_deref().unwrap_or(LOCALHOST);
    RelyingParty::new(id, Url::parse(&format!("https://{id}")).into_iter().collect(), &tenant.name)
}

fn router(shared: &Arc<Shared>) -> Router {
    // A browser gets to read a scripted answer as well as a real one.
    let client_api = Router::new()
        .nest("/v1", client_api::routes())
        .merge(client_api::routes())
        .method_not_allowed_fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(shared), gateway))
        .layer(client_api::cors());
    Router::new()
        .nest("/v1", api::routes(shared).merge(api::doubled(shared)))
        .merge(api::routes(shared))
        .merge(page::routes())
        .merge(client_api::pages())
        .fallback(not_found)
        .method_not_allowed_fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(shared), gateway))
        .merge(client_api)
        .with_state(Arc::clone(shared))
}

/// What the service's gateway says to what it doesn't know, which isn't in the form of the service's own errors.
pub(super) async fn not_found() -> (StatusCode, axum::Json<serde_json::Value>) {
    (StatusCode::NOT_FOUND, axum::Json(json!({ "message": "Not Found" })))
}
