//! What is wrong with a setting of the layer's.
use authsignal_client::InvalidId;
use thiserror::Error;

/// A setting that cannot work, found when the handle or a layer is built.
///
/// Nothing in this crate waits for the first request to find out that it is configured wrongly.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A setting of the client's, so that one `?` serves for both.
    #[error(transparent)]
    Client(#[from] authsignal_client::ConfigError),
    /// An older API secret key cannot have been one.
    #[error("an older API key is empty, or holds a control character, a space or a colon")]
    OlderApiKey,
    /// The id of a tenant cannot be one.
    #[error("tenant id `{tenant_id}` refused: it cannot be part of a URL")]
    #[non_exhaustive]
    TenantId {
        /// The id as it was given.
        tenant_id: String,
    },
    /// `Authsignal::builder` was given no callback URL.
    #[error("no callback URL: give the address of the callback to `AuthsignalBuilder::callback_url`")]
    MissingCallbackUrl,
    /// The callback URL is not one that a browser can come back to safely.
    #[error("callback URL `{url}` refused: {reason}")]
    #[non_exhaustive]
    CallbackUrl {
        /// The URL as it was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Users of bearer clients cannot be led there.
    #[error("bearer callback URL `{url}` refused: {reason}")]
    #[non_exhaustive]
    BearerCallbackUrl {
        /// The URL as it was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `Authsignal::builder` was not told how to find out who is asking.
    #[error("nothing says who the user is: give a closure to `AuthsignalBuilder::identify`")]
    MissingIdentify,
    /// A master secret is too short to keep anything secret.
    #[error("a master secret has {length} bytes, and needs at least {least}")]
    #[non_exhaustive]
    WeakSecret {
        /// How many bytes it has.
        length: usize,
        /// How many it needs.
        least: usize,
    },
    /// The key of the audit is too short to keep anybody from making events.
    #[error("the audit's key has {length} bytes, and needs at least {least}")]
    #[non_exhaustive]
    AuditKey {
        /// How many bytes it has.
        length: usize,
        /// How many it needs.
        least: usize,
    },
    /// A challenge host is not a host name.
    #[error("challenge host `{host}` refused: a host name alone is asked for, such as `auth.example.com`")]
    #[non_exhaustive]
    ChallengeHost {
        /// The host as it was given.
        host: String,
    },
    /// The place where users go who cancel is not a path of the application.
    #[error("home `{path}` refused: a path of the application is asked for, such as `/`, and not the callback's")]
    #[non_exhaustive]
    Home {
        /// The path as it was given.
        path: String,
    },
    /// The prefix that a proxy strips cannot be one, or the callback URL is not under it.
    #[error("public prefix `{prefix}` refused: {reason}")]
    #[non_exhaustive]
    PublicPrefix {
        /// The prefix as it was given.
        prefix: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another name of the application cannot be one.
    #[error("host name `{name}` refused: {reason}")]
    #[non_exhaustive]
    HostName {
        /// The name as it was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An origin of the application's pages is not one that users may be led back to.
    #[error("page origin `{origin}` refused: {reason}")]
    #[non_exhaustive]
    PageOrigin {
        /// The origin as it was given.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The handle decides by a script of a test's, and this is a release build.
    #[error(
        "a handle by script refused in a release build, where whoever reads its challenges' addresses can prove them: ask \
         the service (`Client::from_env`), or call `Script::dangerous_allow_in_release`"
    )]
    ScriptInRelease,
    /// The application's logo is not one that a page may show.
    #[error("logo `{url}` refused: {reason}")]
    #[non_exhaustive]
    Logo {
        /// The address as it was given.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The accent colour cannot be read.
    #[error("accent color `{color}` refused: `#rgb` or `#rrggbb` is asked for, such as `#0b6b4f`")]
    #[non_exhaustive]
    AccentColor {
        /// The colour as it was given.
        color: String,
    },
    /// The tag of a language is none.
    #[error("language `{tag}` refused: a tag is asked for, such as `it` or `pt-BR`")]
    #[non_exhaustive]
    Language {
        /// The tag as it was given.
        tag: String,
    },
    /// A layer was given something that is no action code.
    #[error("action code `{action}` refused: {reason}")]
    #[non_exhaustive]
    Action {
        /// The code as it was given.
        action: String,
        /// What is wrong with it.
        reason: InvalidId,
    },
    /// A row of a table of actions cannot be one.
    #[error("route `{route}` of a table of actions refused: {reason}")]
    #[non_exhaustive]
    Route {
        /// The method and the route as they were given.
        route: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What a layer was given does not go together, or is out of range, and would guard less than it says.
    #[error("policies of `{action}` refused: {reason}")]
    #[non_exhaustive]
    Policies {
        /// The action that the layer guards.
        action: String,
        /// What does not go together, by the names of the layer's setters, and what to do.
        reason: String,
    },
}
