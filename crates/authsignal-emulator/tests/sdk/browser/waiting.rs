//! What is proved elsewhere, while the page waits: links in e-mails, push messages, codes that another device reads.
use authsignal_emulator::Channel;
use serde_json::json;
use test_support::waiting::until;

use super::shop::Shop;

/// Leaves what comes of a call in the page as `outcome`.
async fn begin(shop: &Shop, call: &str) {
    shop.js(&format!("window.outcome = undefined; {call}.then(value => {{ window.outcome = value; }})"), json!(null))
        .await;
}

#[tokio::test]
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
        shop.emulator.clear_received_requests();
        begin(&shop, "sdk.emailML.checkVerificationStatus()").await;
        let asked = || shop.emulator.received_requests().iter().any(|seen| seen.path.ends_with("/finalize"));
        until("the page asks", async || asked()).await;
        assert_eq!(shop.js("return outcome", json!(null)).await, json!(null));
        let message = shop.message("ada");
        assert_eq!((message.channel, &*message.to, &message.code), (Channel::Email, "ada@example.com", &None));
        shop.opens(&message.link.unwrap()).await;
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
async fn a_push_message() {
    let shop = Shop::open().await;
    shop.emulator.user("ada").enroll_push("Pixel");
    for approved in [true, false] {
        shop.with_token("ada", "withdrawal").await;
        let challenge = shop.call("push.challenge", json!({ "action": "withdrawal" })).await;
        assert_eq!(shop.message("ada").channel, Channel::Push);
        let asked = json!({ "challengeId": challenge["challengeId"] });
        let pending = shop.call("push.verify", asked.clone()).await;
        assert_eq!(pending, json!({ "isVerified": false, "isConsumed": false }));
        let id = challenge["challengeId"].as_str().unwrap();
        if approved {
            shop.emulator.approve(id, None).await.unwrap();
        } else {
            shop.emulator.decline_challenge(id).unwrap();
        }
        let decided = shop.call("push.verify", asked).await;
        assert_eq!((&decided["isConsumed"], &decided["isVerified"]), (&json!(true), &json!(approved)), "{decided}");
        if approved {
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
async fn a_code_that_another_device_reads() {
    const BEGIN: &str = "window.states = [];
        return sdk.qrCode.challenge({ action: 'signIn', polling: true, pollInterval: 50,
            onRefresh: challengeId => { window.refreshed = challengeId; },
            onStateChange: (state, token) => window.states.push({ state, token }) });";
    let shop = Shop::open().await;
    let phone = shop.client_api("/user-authenticators/qr-code", Some("ada"), json!({ "publicKey": "key" })).await;
    assert_eq!(phone["userId"], "ada");
    for (approved, state) in [(true, "approved"), (false, "rejected")] {
        let begun = shop.js(BEGIN, json!(null)).await["data"].take();
        assert!(begun["deviceCode"].is_string() && begun["expiresAt"].is_string(), "{begun}");
        // The page shows another one every few minutes.
        let shown = shop.js("await sdk.qrCode.refresh(); return refreshed", json!(null)).await;
        assert!(shown.is_string() && shown != begun["challengeId"], "{shown}");
        // As the SDK for phones does it.
        let mut answer = json!({ "challengeId": shown, "publicKey": "key", "signature": "signature" });
        let path = "/user-authenticators/qr-code/challenge";
        shop.client_api(&format!("{path}/claim"), None, answer.clone()).await;
        shop.visitor.waits_until("states.some(({ state }) => state === 'claimed')").await;
        answer["approved"] = json!(approved);
        shop.client_api(path, None, answer).await;
        let told = format!("states.find(({{ state }}) => state === '{state}')");
        shop.visitor.waits_until(&told).await;
        if approved {
            let outcome = shop.js(&format!("return {told}"), json!(null)).await;
            shop.proves(&outcome, "ada", "signIn").await;
        }
    }
    shop.js("sdk.qrCode.disconnect()", json!(null)).await;
    shop.visitor.leaves().await;
}
