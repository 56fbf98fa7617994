//! The Client API, called as the SDKs call it.
mod access;
mod authenticators;
mod codes;
mod devices;
mod hostile;
mod keys;
mod links;
mod phones;
mod scopes;
#[path = "../../../src/credentials/webauthn/soft_key.rs"]
#[allow(dead_code, reason = "the emulator's own tests use the rest")]
pub(crate) mod soft_key;
mod vetoes;

use authsignal_emulator::Emulator;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Bench, read, text};

pub(crate) const ALL: &str = "read:authenticators add:authenticators update:authenticators remove:authenticators";
pub(crate) const ADD: &str = "add:authenticators";

impl Bench {
    /// A call of the Client API, without credentials.
    pub(crate) fn client(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}/client{path}", self.emulator.base_url()))
    }

    /// A call with a token.
    pub(crate) async fn ask(&self, token: &str, path: &str, body: Value) -> (u16, Value) {
        read(self.client(Method::POST, path).bearer_auth(token).json(&body).send().await.unwrap()).await
    }

    /// A call with a token that works.
    pub(crate) async fn asked(&self, token: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask(token, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// A call that names only the tenant.
    pub(crate) async fn anonymous(&self, path: &str, body: Value) -> (u16, Value) {
        let request = self.client(Method::POST, path).basic_auth(self.emulator.tenant_id(), Some(""));
        read(request.json(&body).send().await.unwrap()).await
    }

    /// The token of a new `withdrawal` of ada's.
    pub(crate) async fn token(&self) -> String {
        self.token_with(json!({})).await
    }

    pub(crate) async fn token_with(&self, body: Value) -> String {
        text(&self.track_with(body).await["token"]).to_owned()
    }

    /// Where ada's newest `withdrawal` stands.
    pub(crate) fn state(&self) -> String {
        self.emulator.actions("ada")[0].state.to_string()
    }

    /// What of an access token there is to see: the scope that it has.
    pub(crate) async fn expect_proved(&self, answer: &Value, method: &str) {
        let token = text(&answer["accessToken"]);
        assert_eq!(claims(token)["scope"], ALL);
        let validated = self.validate(token).await;
        assert_eq!((&validated["isValid"], &validated["verificationMethod"]), (&json!(true), &json!(method)));
    }
}

/// What a token says, unchecked.
pub(crate) fn claims(token: &str) -> Value {
    let payload = soft_key::decode(&token.split('.').nth(1).unwrap().into());
    serde_json::from_slice(&payload).unwrap()
}

/// The code in the newest message to ada.
pub(crate) fn code(emulator: &Emulator) -> String {
    emulator.code_for("ada").unwrap()
}

/// Digits that are not the code.
pub(crate) fn wrong(code: &str) -> String {
    if code == "000000" { "111111".to_owned() } else { "000000".to_owned() }
}

pub(crate) fn error((status, answer): &(u16, Value)) -> (u16, &str) {
    assert_eq!(answer["error"], answer["errorCode"], "{answer}");
    assert!(answer["errorDescription"].is_string(), "{answer}");
    (*status, answer["errorCode"].as_str().unwrap_or_else(|| panic!("{answer}")))
}
