//! Passkeys and security keys, held by devices that Chromium makes up.
use authsignal_client::UpdateUser;
use serde_json::{Value, json};

use super::shop::Shop;

const ADA: &str = "ada@example.com";

/// What newer versions of the SDK ask (1.21.1).
const LIST: &str = "const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${args.token}` };
    return (await fetch(args.url, { headers, credentials: 'same-origin' })).json()";

/// Makes a passkey for ada, whose name the server knows (this SDK doesn't send it), and gives what the SDK says.
async fn sign_up(shop: &Shop) -> Value {
    shop.emulator.client().update_user("ada", UpdateUser::new().display_name("Ada L.")).await.unwrap();
    shop.with_token("ada", "addPasskey").await;
    shop.call("passkey.signUp", json!({ "username": ADA })).await
}

#[tokio::test]
async fn a_passkey_is_made_and_signs_in() {
    let shop = Shop::open().await;
    shop.visitor.gets_authenticator("internal").await;
    assert_eq!(shop.js("return sdk.passkey.isAvailableOnDevice({ userId: 'ada' })", json!(null)).await, false);
    let made = sign_up(&shop).await;
    shop.proves(&made, "ada", "addPasskey").await;
    let authenticator = &made["userAuthenticator"];
    assert_eq!(authenticator["verificationMethod"], "PASSKEY");

    let listed = shop.authenticators("ada").await;
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed[0]["userAuthenticatorId"], authenticator["userAuthenticatorId"]);
    assert_eq!(listed[0]["username"], ADA);
    let credential = &listed[0]["webauthnCredential"];
    assert_eq!(credential["credentialId"], made["registrationResponse"]["id"]);
    assert!(credential["deviceId"].is_string(), "{credential}");
    assert_eq!(credential["name"], "Chrome on Linux");
    assert_eq!(credential["authenticatorAttachment"], "platform");
    assert_eq!(shop.js("return sdk.passkey.isAvailableOnDevice({ userId: 'ada' })", json!(null)).await, true);

    // Nobody says who it is that signs in: the passkey does.
    shop.enter().await;
    let signed_in = shop.call("passkey.signIn", json!({ "action": "signIn" })).await;
    assert_eq!((&signed_in["isVerified"], &signed_in["userId"]), (&json!(true), &json!("ada")));
    assert_eq!((&signed_in["username"], &signed_in["displayName"]), (&json!(ADA), &json!("Ada L.")));
    assert_eq!(signed_in["userAuthenticatorId"], authenticator["userAuthenticatorId"]);
    shop.proves(&signed_in, "ada", "signIn").await;
    let validated = shop.validated(&signed_in).await;
    assert_eq!(validated.verification_method.unwrap().as_str(), "PASSKEY");

    // Once more, now for an action of somebody who has signed in.
    let token = shop.with_token("ada", "withdrawal").await;
    let proved = shop.call("passkey.signIn", json!({ "token": token })).await;
    shop.proves(&proved, "ada", "withdrawal").await;
    let asked =
        shop.emulator.received_requests().into_iter().rfind(|seen| seen.path.ends_with("/verify/passkey")).unwrap();
    assert_eq!(asked.json()["deviceId"], shop.js("return sdk.anonymousId", json!(null)).await);

    // A newer SDK asks for the passkeys that are left, to tell the browser of them.
    let url = format!("{}/client/user-authenticators", shop.emulator.base_url());
    let mine = shop.js(LIST, json!({ "url": url, "token": proved["token"] })).await;
    assert_eq!(mine[0]["webauthnCredential"]["credentialId"], made["registrationResponse"]["id"], "{mine}");
    shop.visitor.leaves().await;
}

/// The SDK asks with cookies then, which a browser allows only where the server names the page's origin.
#[tokio::test]
async fn a_passkey_with_cookies() {
    let shop = Shop::open().await;
    shop.visitor.gets_authenticator("internal").await;
    shop.with_token("ada", "addPasskey").await;
    let made = shop.call("passkey.signUp", json!({ "username": ADA, "useCookies": true })).await;
    shop.proves(&made, "ada", "addPasskey").await;
    shop.enter().await;
    let signed_in = shop.call("passkey.signIn", json!({ "action": "signIn", "useCookies": true })).await;
    shop.proves(&signed_in, "ada", "signIn").await;
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn a_passkey_without_an_action_tells_who_it_is_and_proves_nothing() {
    let shop = Shop::open().await;
    shop.visitor.gets_authenticator("internal").await;
    sign_up(&shop).await;
    shop.enter().await;
    let signed_in = shop.call("passkey.signIn", json!({})).await;
    assert_eq!((&signed_in["isVerified"], &signed_in["userId"]), (&json!(true), &json!("ada")));
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn a_passkey_proves_nothing_for_somebody_else() {
    let shop = Shop::open().await;
    shop.visitor.gets_authenticator("internal").await;
    sign_up(&shop).await;
    shop.emulator.user("bob").enroll_email_otp("bob@example.com");
    let token = shop.with_token("bob", "withdrawal").await;
    // Bob has none, so that nothing is offered; were it, it would not be taken.
    let answer = shop.visitor.runs("return sdk.passkey.signIn(args)", json!({ "token": token })).await;
    let refused = answer.as_ref().map_or(true, |answer| answer.get("errorCode").is_some());
    assert!(refused, "{answer:?}");
    assert_eq!(shop.emulator.actions("bob")[0].state.as_str(), "CHALLENGE_REQUIRED");
}

#[tokio::test]
async fn a_passkey_that_the_server_has_forgotten_is_unknown() {
    let shop = Shop::open().await;
    shop.visitor.gets_authenticator("internal").await;
    sign_up(&shop).await;
    shop.emulator.user("ada").delete();
    shop.enter().await;
    assert_eq!(shop.fails("passkey.signIn", json!({ "action": "signIn" })).await, "unknown_credential");
    assert_eq!(shop.js("return sdk.passkey.isAvailableOnDevice({ userId: 'ada' })", json!(null)).await, false);
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn a_passkey_of_another_tenant() {
    let shop = Shop::open().await;
    shop.enter_as("00000000-0000-4000-8000-000000000000").await;
    assert_eq!(shop.fails("passkey.signIn", json!({ "action": "signIn" })).await, "unauthorized");
    shop.enter().await;
    assert_eq!(shop.fails("passkey.signIn", json!({ "action": "with space" })).await, "invalid_request");
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn a_security_key() {
    let shop = Shop::open().await;
    shop.visitor.gets_authenticator("usb").await;
    shop.with_token("ada", "addKey").await;
    let made = shop.call("securityKey.enroll", json!({})).await;
    shop.proves(&made, "ada", "addKey").await;
    let listed = shop.authenticators("ada").await;
    assert_eq!(listed[0]["verificationMethod"], "SECURITY_KEY", "{listed}");
    assert_eq!(listed[0]["webauthnCredential"]["credentialId"], made["registrationResponse"]["id"]);

    shop.with_token("ada", "withdrawal").await;
    let proved = shop.call("securityKey.verify", json!(null)).await;
    assert_eq!(proved["isVerified"], true);
    shop.proves(&proved, "ada", "withdrawal").await;
    shop.visitor.leaves().await;
}
