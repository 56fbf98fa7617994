//! An API whose clients show a JWT with each request (`Authorization: Bearer`), and keep no cookies.
//!
//! Copy the closure of `identify_with_state`: `User::bearer`, with the token's id as the session. A challenged client gets a
//! problem document, has its user prove the challenge at its `url` or by an SDK of Authsignal's, and repeats the request with
//! the token of the proof in the header `authsignal-token`.
use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use axum_authsignal::{AuthsignalBuilder, AuthsignalLayer, ConfigError, User, Verdict};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::bank::{self, Bank, Login, Payment};

pub(crate) fn app(authsignal: AuthsignalBuilder) -> Result<Router, ConfigError> {
    let api = Api::default();
    let authsignal = authsignal
        .identify_with_state(api.clone(), |State(api): State<Api>, headers: HeaderMap| async move {
            let claims = api.claims(&headers)?;
            Some(User::new(claims.sub).bearer(claims.jti))
        })
        // Where the client opens the challenge's `url` in a browser, this is where that ends, with `?token=` behind it.
        .bearer_callback_url("com.example.bank:/proved")
        .build()?;
    Ok(Router::new()
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/pay", post(pay).route_layer(AuthsignalLayer::new(&authsignal, "pay")))
        .with_state(api)
        .merge(authsignal.routes()))
}

async fn login(Json(Login { user }): Json<Login>) -> Result<Json<Value>, StatusCode> {
    let token = bank::is_user(&user).then(|| Api::issue(user)).ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(Json(json!({ "token": token.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)? })))
}

async fn logout(State(api): State<Api>, headers: HeaderMap) {
    api.revoke(&headers);
}

async fn pay(State(api): State<Api>, _: Verdict, Json(Payment { amount }): Json<Payment>) -> Json<Value> {
    api.bank.add_payment();
    Json(json!({ "paid": amount, "payments": api.bank.payments() }))
}

#[derive(Deserialize, Serialize)]
struct Claims {
    sub: String,
    /// What this token is called: what is approved with it is worth nothing with another.
    jti: String,
    exp: u64,
}

#[derive(Clone, Default)]
struct Api {
    bank: Bank,
    /// The ids of the tokens that are no longer good.
    revoked: Arc<Mutex<HashSet<String>>>,
}

/// What tokens are signed with; in an application it comes from where its secrets are.
static SECRET: LazyLock<[u8; 16]> = LazyLock::new(|| Uuid::new_v4().into_bytes());

impl Api {
    fn issue(sub: String) -> jsonwebtoken::errors::Result<String> {
        let claims = Claims { sub, jti: Uuid::new_v4().to_string(), exp: jsonwebtoken::get_current_timestamp() + 3600 };
        jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(&*SECRET))
    }

    fn claims(&self, headers: &HeaderMap) -> Option<Claims> {
        let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        let key = DecodingKey::from_secret(&*SECRET);
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &Validation::default()).ok()?.claims;
        (!self.revoked.lock().unwrap_or_else(PoisonError::into_inner).contains(&claims.jti)).then_some(claims)
    }

    fn revoke(&self, headers: &HeaderMap) {
        if let Some(claims) = self.claims(headers) {
            self.revoked.lock().unwrap_or_else(PoisonError::into_inner).insert(claims.jti);
        }
    }
}

#[cfg(test)]
mod tests {
    use authsignal_emulator::Emulator;
    use serde_json::{Value, json};

    use crate::way;

    /// A client with a token, and without cookies.
    struct Client {
        http: reqwest::Client,
        site: String,
        jwt: String,
        emulator: Emulator,
    }

    impl Client {
        async fn signed_in() -> Self {
            let (site, emulator) = way::serve(super::app).await;
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut client = Self { http, site, jwt: String::new(), emulator };
            client.sign_in().await;
            client
        }

        async fn sign_in(&mut self) {
            let (_, answer) = self.post("/login", &json!({ "user": "ada" }), "").await;
            self.jwt = answer["token"].as_str().unwrap().to_owned();
        }

        /// Posts JSON, and gives the status and the JSON of the answer.
        async fn post(&self, path: &str, body: &Value, proof: &str) -> (u16, Value) {
            let request = self.http.post(format!("{}{path}", self.site)).bearer_auth(&self.jwt).json(body);
            let request = if proof.is_empty() { request } else { request.header("authsignal-token", proof) };
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.json().await.unwrap_or_default())
        }

        async fn pays(&self, proof: &str) -> (u16, Value) {
            self.post("/pay", &json!({ "amount": 10 }), proof).await
        }

        /// Is challenged, does this with the challenge, and gives the token at the deep link that it leads to.
        async fn is_challenged(&self, act: impl FnOnce(&Emulator, &str) -> String) -> String {
            let (status, problem) = self.pays("").await;
            assert_eq!((status, &problem["state"]), (403, &json!("CHALLENGE_REQUIRED")), "{problem}");
            let back = act(&self.emulator, problem["url"].as_str().unwrap());
            back.strip_prefix("com.example.bank:/proved?token=").expect(&back).to_owned()
        }
    }

    #[tokio::test]
    async fn a_payment_is_proved_and_made_once() {
        let client = Client::signed_in().await;
        let proof = client.is_challenged(|emulator, url| emulator.succeed(url).unwrap()).await;
        assert_eq!(client.pays(&proof).await, (200, json!({ "paid": 10, "payments": 1 })));
        assert_eq!(client.pays(&proof).await.0, 409);
    }

    #[tokio::test]
    async fn a_revoked_token_cannot_use_what_was_approved_nor_can_the_next_one() {
        let mut client = Client::signed_in().await;
        let proof = client.is_challenged(|emulator, url| emulator.succeed(url).unwrap()).await;
        client.post("/logout", &Value::Null, "").await;
        assert_eq!(client.pays(&proof).await.0, 401);
        client.sign_in().await;
        let (status, problem) = client.pays(&proof).await;
        assert_eq!((status, &problem["state"]), (403, &json!("CHALLENGE_REQUIRED")), "another challenge: {problem}");
    }

    #[tokio::test]
    async fn a_challenge_that_failed_is_told_from_one_that_was_left() {
        let client = Client::signed_in().await;
        let proof = client.is_challenged(|emulator, url| emulator.decline(url).unwrap()).await;
        let (status, problem) = client.pays(&proof).await;
        assert_eq!((status, &problem["state"]), (403, &json!("CHALLENGE_FAILED")), "{problem}");

        let (_, left) = client.pays("").await;
        let (_, again) = client.pays("").await;
        assert_eq!(left["idempotencyKey"], again["idempotencyKey"], "the challenge that was left waits");
    }
}
