//! The layer in front of a route.
mod body;
mod future;
mod guard;
mod layer;
mod service;

pub use body::{RefusalBody, ReplayBody};
pub use future::ResponseFuture;
pub use layer::AuthsignalLayer;
pub use service::AuthsignalService;
