//! The calls that are compared: what the SDK is handed, the same for the client, and what a service would answer.
//!
//! Of each method there is a call with every member that the SDK's types know, and one with the least.
use std::pin::Pin;

use authsignal_client::{CallConnect, Client, CustomData, Error};
use serde_json::Value;

type Made = Pin<Box<dyn Future<Output = Result<(), Error>>>>;

pub(super) struct Call {
    /// The method, and what is special about this call of it.
    pub(super) name: &'static str,
    /// The SDK's method.
    pub(super) method: &'static str,
    /// What it is handed.
    pub(super) request: Value,
    /// What both are answered.
    pub(super) answer: Value,
    /// The same call of ours.
    pub(super) ours: fn(Ours) -> Made,
}

/// The clients that are compared.
#[derive(Clone)]
pub(super) struct Ours {
    pub(super) client: Client,
    pub(super) calls: CallConnect,
}

/// Names a call by its method, or by that and a remark.
macro_rules! call {
    ($method:literal $(, $remark:literal)?; $request:tt => $answer:tt; $client:ident.$ours:ident $arguments:tt) => {
        $crate::wire::calls::Call {
            name: concat!($method $(, ", ", $remark)?),
            method: $method,
            request: serde_json::json!($request),
            answer: serde_json::json!($answer),
            ours: |ours| Box::pin(async move { ours.$client.$ours $arguments.await.map(drop) }),
        }
    };
}

mod actions;
mod challenges;
mod sessions;
mod telephone;
mod users;

const KEY: &str = "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001";

fn custom() -> CustomData {
    CustomData::new().with("tier", "gold").with("amount", 100).with("ratio", 0.5).with("instant", true)
}

pub(super) fn calls() -> Vec<Call> {
    let all = [users::calls(), actions::calls(), challenges::calls(), sessions::calls(), telephone::calls()];
    all.into_iter().flatten().collect()
}
