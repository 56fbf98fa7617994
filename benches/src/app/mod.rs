//! The same small application, guarded in four ways: `POST /withdraw` asks Authsignal about each request, `GET /bare` does not.
mod by_hand;
mod floor;
pub mod ours;

use std::net::SocketAddr;

use axum::Router;
use axum::routing::{get, post};

/// How an application is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// By this package.
    Ours,
    /// By this package, with its client on hyper in place of reqwest.
    OursHyper,
    /// By a middleware as people write it: `from_fn` and reqwest as it comes.
    ByHand,
    /// By the least that does it with ordinary parts: hyper-util's client, all fixed parts made once, two fields read.
    Floor,
    /// Not at all.
    Bare,
}

impl Peer {
    pub const ALL: [Self; 5] = [Self::Ours, Self::OursHyper, Self::ByHand, Self::Floor, Self::Bare];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursHyper => "ours-hyper",
            Self::ByHand => "by-hand",
            Self::Floor => "floor",
            Self::Bare => "bare",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|peer| peer.name() == name)
    }

    /// The application, which asks about `action` at `api_url`.
    pub fn app(self, api_url: &str, action: &str) -> Router {
        let app = match self {
            Self::Ours => ours::app(ours::client(api_url), action),
            Self::OursHyper => ours::app(ours::client(api_url).hyper(), action),
            Self::ByHand => by_hand::app(api_url, action),
            Self::Floor => floor::app(api_url, action),
            Self::Bare => Router::new().route("/withdraw", post(ok)),
        };
        // As `axum::serve` does it once: without, each call of a router without a server would build its layers anew.
        app.route("/bare", get(ok)).with_state(())
    }

    /// Serves it as users do, on a port of its own that is printed.
    pub async fn serve(self, api_url: &str, action: &str) -> std::io::Result<()> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        println!("{}", listener.local_addr()?);
        let app = self.app(api_url, action);
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
    }
}

pub const SECRET: &str = "a-secret-key-of-the-stub-0123456789abcdef";

async fn ok() -> &'static str {
    "ok"
}
