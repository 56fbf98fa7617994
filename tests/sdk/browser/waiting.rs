//! What is proved elsewhere, while the page waits: links in e-mails, push messages, codes that another device reads.
use reqwest::Method;
use serde_json::{Value, json};

use super::shop::Shop;

/// Leaves what comes of a call in the page as `outcome`.
async fn begin(shop: &Shop, call: &str) {
    shop.js(&format!("window.outcome = undefined; {call}.then(value => {{ window.outcome = value; }})"), json!(null))
        .await;
}

async fn decide(shop: &Shop, challenge: &Value, decision: &str) {
    let path = format!("challenges/{}/{decision}", challenge["challengeId"].as_str().unwrap());
    shop.control(Method::POST, &path, None).await;
}

#[tokio::test]
#[ignore = "the emulator"]
async fn a_link_in_an_email() {
    let shop = Shop::open().await;
    shop.with_token("ada", "signIn").await;
    let enrolling = shop.call("emailML.enroll", json!({ "email": "ada@example.com" })).await;
    assert_eq!(enrolling["userId"], "ada");
    assert!(enrolling["challengeId"].is_string() && enrolling["userAuthenticatorId"].is_string());
    for (action, enrolled) in [("signIn", false), ("withdrawal", true)] {
        if enrolled {
            shop.with_token("ada", action).await;
            assert!(shop.call("emailML.challenge", json!(null)).await["challengeId"].is_string());
        }
        // It asks every second, and goes on asking until the link was opened.
        shop.control(Method::DELETE, "requests", None).await;
        begin(&shop, "sdk.emailML.checkVerificationStatus()").await;
        let asked = async || shop.emulator.requests().iter().any(|seen| seen.path.ends_with("/finalize"));
        while !asked().await {
            tokio::task::yield_now().await;
        }
        assert_eq!(shop.js("return outcome", json!(null)).await, json!(null));
        let message = shop.message("ada").await;
        assert_eq!((&message["channel"], &message["to"]), (&json!("EMAIL"), &json!("ada@example.com")));
        assert!(message.get("code").is_none(), "{message}");
        shop.opens(message["link"].as_str().unwrap()).await;
        shop.visitor.waits_until("window.outcome").await;
        let outcome = shop.js("return outcome.data", json!(null)).await;
        assert_eq!(outcome["isVerified"], true);
        shop.proves(&outcome, "ada", action).await;
    }
    let authenticators = shop.authenticators("ada").await;
    assert_eq!(authenticators[0]["verificationMethod"], "EMAIL_MAGIC_LINK");
    assert_eq!(authenticators[0]["userAuthenticatorId"], enrolling["userAuthenticatorId"]);
    shop.visitor.leaves().await;
}

#[tokio::test]
#[ignore = "the emulator"]
async fn a_push_message() {
    let shop = Shop::open().await;
    shop.enrolled("ada", &["PUSH"]).await;
    for decision in ["approve", "decline"] {
        shop.with_token("ada", "withdrawal").await;
        let challenge = shop.call("push.challenge", json!({ "action": "withdrawal" })).await;
        assert_eq!(shop.message("ada").await["channel"], "PUSH");
        let asked = json!({ "challengeId": challenge["challengeId"] });
        let pending = shop.call("push.verify", asked.clone()).await;
        assert_eq!(pending, json!({ "isVerified": false, "isConsumed": false }));
        decide(&shop, &challenge, decision).await;
        let decided = shop.call("push.verify", asked).await;
        assert_eq!(decided["isConsumed"], true, "{decided}");
        assert_eq!(decided["isVerified"], decision == "approve", "{decided}");
        if decision == "approve" {
            shop.proves(&decided, "ada", "withdrawal").await;
        } else {
            assert!(decided.get("token").is_none(), "{decided}");
            let failed = &shop.emulator.actions("ada")[0];
            assert_eq!(failed.state.as_str(), "CHALLENGE_FAILED");
        }
    }
    shop.visitor.leaves().await;
}

/// Without a socket: the page asks for the state. Nobody has signed in yet.
#[tokio::test]
#[ignore = "the emulator"]
async fn a_code_that_another_device_reads() {
    const BEGIN: &str = "window.states = [];
        return sdk.qrCode.challenge({ action: 'signIn', polling: true, pollInterval: 50,
            onStateChange: (state, token) => window.states.push({ state, token }) });";
    let shop = Shop::open().await;
    shop.enrolled("ada", &["QR_CODE"]).await;
    for (decision, state) in [("approve", "approved"), ("decline", "rejected")] {
        let challenge = shop.js(BEGIN, json!(null)).await["data"].take();
        assert!(challenge["deviceCode"].is_string() && challenge["expiresAt"].is_string(), "{challenge}");
        // Who reads the code says who they are.
        let path = format!("challenges/{}/claim", challenge["challengeId"].as_str().unwrap());
        shop.control(Method::POST, &path, Some(json!({ "userId": "ada" }))).await;
        shop.visitor.waits_until("states.some(({ state }) => state === 'claimed')").await;
        decide(&shop, &challenge, decision).await;
        shop.visitor.waits_until(&format!("states.at(-1).state === '{state}'")).await;
        if decision == "approve" {
            let outcome = shop.js("return states.at(-1)", json!(null)).await;
            shop.proves(&outcome, "ada", "signIn").await;
        }
    }
    shop.js("sdk.qrCode.disconnect()", json!(null)).await;
    shop.visitor.leaves().await;
}
