//! Starting.
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use authsignal_client::url::{is_loopback, redacted_url};
use authsignal_client::{Clock, SecretKey};
use secrecy::{ExposeSecret, SecretString};
use url::Url;
use uuid::Uuid;

use crate::config::Config;
use crate::credentials::tokens::Tokens;
use crate::credentials::webauthn::{LOCALHOST, RelyingParty};
use crate::db::Db;
use crate::handle::watch::watch;
use crate::handle::{Emulator, IN_PROCESS, Socket};
use crate::http::control_key::{Access, ControlKey};
use crate::http::hosts::Hosts;
use crate::persist::StateFile;
use crate::persist::disk::Disk;
use crate::server::in_process::EmulatorTransport;
use crate::server::listener::{HangUp, Listener, reachable};
use crate::server::router::router;
use crate::state::{AppState, Start};
use crate::tenant::Tenant;
use crate::webhooks::{WebhookSettings, Webhooks};

/// How an [`Emulator`] is to run.
#[derive(Debug, Clone)]
#[must_use = "does nothing until it is started"]
pub struct EmulatorBuilder {
    clock: Clock,
    secret: Option<SecretString>,
    host: IpAddr,
    port: u16,
    public_url: Option<String>,
    control_key: Option<SecretString>,
    open_control: bool,
    state_file: Option<PathBuf>,
    tenant: Tenant,
}

impl Default for EmulatorBuilder {
    fn default() -> Self {
        Self {
            clock: Clock::adjustable(),
            secret: None,
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            public_url: None,
            control_key: None,
            open_control: false,
            state_file: None,
            tenant: Tenant::default(),
        }
    }
}

impl Emulator {
    /// Starts one on a free port, with the system's clock and a secret of its own.
    ///
    /// It runs on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// When no port can be bound.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// One without a socket, for tests of this process alone: its [`client`](Self::client) hands each request over as a value,
    /// so that a test of a guarded route takes a few milliseconds and needs no port. It keeps to tokio's clock where that is
    /// paused.
    ///
    /// It runs on the current tokio runtime. No browser gets to its challenge page: [`succeed`](Self::succeed) and its like do what
    /// a user does there.
    ///
    /// # Errors
    ///
    /// As [`EmulatorBuilder::in_process`]: with default settings, none.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use authsignal_client::ActionState;
    /// use authsignal_emulator::{Emulator, Outcome};
    ///
    /// let emulator = Emulator::in_process()?;
    /// emulator.set_outcome("withdrawal", Outcome::Block);
    /// assert_eq!(emulator.client().track("ada", "withdrawal").await?.state, ActionState::Block);
    /// # Ok(()) }
    /// ```
    pub fn in_process() -> io::Result<Self> {
        Self::builder().in_process()
    }

    /// Starts one with settings of your own.
    pub fn builder() -> EmulatorBuilder {
        EmulatorBuilder::default()
    }
}

impl EmulatorBuilder {
    /// The clock, which a test can move so that tokens and codes expire. Default: an
    /// [adjustable](Clock::adjustable) one, which [`Emulator::advance`] moves.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The API secret key that it takes. Default: the one in the state file, else a random one.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.secret = Some(secret.into().into());
        self
    }

    /// The address that it listens on. Default: 127.0.0.1.
    ///
    /// On another one, what stands under `/emulator` asks for a [key](Self::control_key). What else it answers is for
    /// everybody who reaches it, and its challenge page shows the codes that it asks for: use it in a network of containers
    /// or on a machine of a test, never where others are.
    pub fn host(mut self, address: impl Into<IpAddr>) -> Self {
        self.host = address.into();
        self
    }

    /// The port. Default: 0, any that is free.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The origin that browsers reach it by, where that isn't the address that it listens on:
    /// `https://auth.example.test`. Challenge URLs begin with it. What stands under `/emulator` asks for a
    /// [key](Self::control_key) then, unless it is a name of this machine's.
    ///
    /// Default: `http://` and the name by which it was asked, where that is one of this machine's (`localhost:4000`); else
    /// the address, and where that is "any", loopback.
    pub fn public_url(mut self, origin: impl Into<String>) -> Self {
        self.public_url = Some(origin.into());
        self
    }

    /// The key that it asks for under `/emulator`: of visible ASCII characters, sent as a bearer token, or as the password of
    /// HTTP Basic, which is how browsers ask people for it.
    ///
    /// Whoever gets in there reads every code and passes every challenge. Default: none on loopback, where only the names of
    /// this machine lead there; where it [listens elsewhere](Self::host) or has a [public URL](Self::public_url), a random
    /// one ([`Emulator::control_key`]).
    pub fn control_key(mut self, key: impl Into<String>) -> Self {
        (self.control_key, self.open_control) = (Some(key.into().into()), false);
        self
    }

    /// Opens what stands under `/emulator` to everybody who reaches it, without a key: they read every code and pass every
    /// challenge. Default: it asks for a [key](Self::control_key) on any address but loopback. Of the two the last counts.
    pub fn open_control(mut self) -> Self {
        (self.control_key, self.open_control) = (None, true);
        self
    }

    /// Keeps its state in this file: users, actions, challenges, sessions, messages, the tenant's id, the secret, the key
    /// of its tokens, and how far an adjustable clock was moved. It is read at the start, if it is there and not empty, and
    /// written at most once a second while something changes, and when the emulator is dropped. Whoever reads it can pass for
    /// its users: on Unix only its owner may. While an emulator runs, no other starts on its file.
    ///
    /// Each time another file takes its place, so that there is always a whole one. Where none can, as where the file itself
    /// is mounted into a container, it is written in place, which the log warns of: rather mount its folder.
    ///
    /// A secret or a tenant's id that is set counts instead of the one in the file. Default: none, all is in memory.
    pub fn state_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.state_file = Some(path.into());
        self
    }

    /// How its tenant is set up. Default: [`Tenant::new`].
    pub fn tenant(mut self, tenant: Tenant) -> Self {
        self.tenant = tenant;
        self
    }

    /// All that a configuration file says: the tenant, and what it says of the server.
    pub fn config(mut self, config: &Config) -> Self {
        self.tenant = config.tenant.clone();
        self.port = config.port.unwrap_or(self.port);
        self.secret = config.secret.clone().or(self.secret);
        if config.open_control {
            self = self.open_control();
        } else if let Some(key) = &config.control_key {
            (self.control_key, self.open_control) = (Some(key.clone()), false);
        }
        self
    }

    /// Starts it on the current tokio runtime.
    ///
    /// The first in a process makes the RSA key of its tokens meanwhile; the first requests wait for that, a second at most.
    ///
    /// # Errors
    ///
    /// When the port can't be bound, the secret, the control key, the tenant or the public URL can't work, or the state file
    /// is none, is of a newer version, is another emulator's, or can't be written. It is left as it is then.
    pub async fn start(self) -> io::Result<Emulator> {
        self.check()?;
        let hang_up = HangUp::default();
        let listener = Listener::open(SocketAddr::new(self.host, self.port), &hang_up).await?;
        let near = format!("http://{}", reachable(listener.address()));
        let mut emulator = self.open(&near, hang_up)?;
        let service = emulator.transport.router().into_make_service_with_connect_info::<HangUp>();
        let accepting = listener.clone();
        let server = tokio::spawn(async move {
            // Never ends by itself: the listener answers no error, and it is aborted with the emulator.
            let _ = axum::serve(accepting, service).await;
        });
        emulator.socket = Some(Socket { listener, server });
        Ok(emulator)
    }

    /// One without a socket: see [`Emulator::in_process`]. [`host`](Self::host) and [`port`](Self::port) mean nothing to it, and
    /// its origin is `http://localhost` unless it has a [public URL](Self::public_url).
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), but for the port.
    pub fn in_process(self) -> io::Result<Emulator> {
        self.check()?;
        self.open(IN_PROCESS, HangUp::default())
    }

    /// Whether its settings can work, before anything is opened.
    fn check(&self) -> io::Result<()> {
        self.tenant.check().map_err(invalid)?;
        let public = self.public_url.as_deref().map(public).transpose()?;
        self.key(public.as_ref()).map(drop)
    }

    /// All of it but a socket. `near` is the origin by which this machine reaches it.
    fn open(self, near: &str, hang_up: HangUp) -> io::Result<Emulator> {
        let public = self.public_url.as_deref().map(public).transpose()?;
        let key = self.key(public.as_ref())?;
        let kept = self.state_file.as_deref().map(Disk::open).transpose()?;
        let (disk, before) = kept.map_or_else(Default::default, |(disk, before)| (Some(disk), before));
        let secret = self.secret.map(|secret| secret.expose_secret().to_owned()).or(before.secret);
        let secret = secret.unwrap_or_else(|| format!("emulator-{}", Uuid::new_v4().simple()));
        SecretKey::new(secret.as_str()).map_err(invalid)?;
        let tenant_id = self.tenant.id.clone().or(before.tenant_id).unwrap_or_else(|| Uuid::new_v4().to_string());
        let ttl = self.tenant.token_ttl;
        let tokens = match before.keys {
            Some(keys) => Tokens::with_keys(tenant_id.clone(), ttl, keys),
            None => Tokens::soon(tenant_id.clone(), ttl),
        };

        let origin = public.as_ref().map_or_else(|| near.to_owned(), |url| url.origin().ascii_serialization());
        let is_public = public.is_some();
        let hosts = if self.host.is_loopback() { Hosts::Loopback { public } } else { Hosts::Any };
        let second = self.tenant.second_secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        let secrets = std::iter::once(secret).chain(second).collect::<Vec<_>>();
        let settings = WebhookSettings::of(&self.tenant)?;
        let webhooks = Webhooks::new(settings.clone(), secrets.clone(), tenant_id, self.clock.clone());
        self.clock.set_offset(before.ahead.unwrap_or(self.clock.offset()));
        let relying_party = relying_party(&self.tenant, &origin);
        let (tenant, now) = (self.tenant.clone(), self.clock.now());
        let db = match before.db {
            Some(kept) => Db::restore(tenant, kept, now),
            None => Db::new(tenant, now),
        };
        let shared = Arc::new(AppState {
            start: Start { tenant: self.tenant, webhooks: settings },
            clock: self.clock,
            secrets,
            origin,
            is_public,
            access: Access { hosts, key },
            tokens,
            webhooks,
            relying_party,
            db: Mutex::new(db),
            // A file that is new is written even if nothing happens.
            changed: true.into(),
            file: disk.map(StateFile::new),
            requests: Default::default(),
            faults: Default::default(),
        });
        let transport = EmulatorTransport::new(router(&shared), hang_up);
        let watch = shared.file.is_some().then(|| watch(&shared));
        let base_url = format!("{}/v1", shared.origin);
        Ok(Emulator { shared, base_url, client: OnceLock::new(), transport, socket: None, watch })
    }

    /// What is asked for under `/emulator`.
    fn key(&self, public: Option<&Url>) -> io::Result<Option<ControlKey>> {
        let is_near = self.host.is_loopback() && public.is_none_or(is_loopback);
        match &self.control_key {
            Some(key) => ControlKey::new(key.clone()).map(Some),
            None if is_near || self.open_control => Ok(None),
            None => Ok(Some(ControlKey::random())),
        }
    }
}

/// The site that passkeys are made for. The challenge page's origin may use them, and that of the site itself.
fn relying_party(tenant: &Tenant, origin: &str) -> RelyingParty {
    let origin = Url::parse(origin).ok();
    let id = origin.as_ref().map_or_else(|| LOCALHOST.to_owned(), |origin| tenant.relying_party(origin));
    let origins = origin.into_iter().chain(Url::parse(&format!("https://{id}"))).collect();
    RelyingParty::new(&id, origins, &tenant.name)
}

fn invalid(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// An origin that browsers may be sent to.
fn public(text: &str) -> io::Result<Url> {
    let refuse = |why| invalid(format!("invalid public URL {}: {why}", redacted_url(text)));
    let url = Url::parse(text).map_err(|_| refuse("not an absolute URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("its scheme is neither https nor http"));
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("more than scheme, host and port"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_urls() {
        for (text, origin) in [
            ("https://auth.example.test", "https://auth.example.test"),
            ("http://localhost:4000/", "http://localhost:4000"),
            ("https://auth.example.test:443", "https://auth.example.test"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(public(text).unwrap().origin().ascii_serialization(), origin);
        }
        for text in [
            "",
            "auth.example.test",
            "localhost:4000",
            "ftp://auth.example.test",
            "javascript:alert(1)",
            "https://auth.example.test/emulator",
            "https://auth.example.test/?a",
            "https://auth.example.test/#a",
            "https://user@auth.example.test",
            "https://user:password@auth.example.test",
        ] {
            assert_eq!(public(text).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{text}");
        }
    }
}
