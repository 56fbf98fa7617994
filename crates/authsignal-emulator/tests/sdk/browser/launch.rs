//! `launch`: the challenge page in the three ways in which the SDK shows it.
use serde_json::{Value, json};

use super::shop::Shop;

const FRAME: &str = "#__authsignal-popup-iframe";
const CONTAINER: &str = "document.querySelector('#__authsignal-popup-container')";

/// Launches, and leaves what comes of it in the page as `outcome`, the errors as `errors`.
const LAUNCH: &str = "window.errors = []; window.outcome = undefined;
    const onError = error => window.errors.push(error);
    sdk.launch(args.url, { ...args.options, onError }).then(value => { window.outcome = value; });";

/// A shop where ada is about to be challenged, and the URL for that.
async fn challenged() -> (Shop, String) {
    let shop = Shop::open().await;
    shop.emulator.user("ada").enroll_email_otp("ada@example.com");
    let url = shop.challenge("ada", "withdrawal").await;
    (shop, url)
}

async fn launch(shop: &Shop, url: &str, options: Value) {
    shop.js(LAUNCH, json!({ "url": url, "options": options })).await;
}

/// What the launch resolves with.
async fn outcome(shop: &Shop) -> Value {
    shop.visitor.waits_until("window.outcome").await;
    shop.js("return { hasToken: 'token' in outcome, ...outcome }", json!(null)).await
}

#[tokio::test]
async fn a_redirect_comes_back_with_a_token() {
    let (shop, url) = challenged().await;
    shop.js("sdk.launch(args, { mode: 'redirect' })", json!(url)).await;
    shop.visitor.confirms("Withdrawal").await;
    shop.visitor.sees("Back in the shop").await;
    let back = shop.visitor.address().await;
    let token = back.as_str().strip_prefix(&format!("{}/back?token=", shop.site)).expect("the token and nothing else");
    shop.proves(&json!({ "token": token }), "ada", "withdrawal").await;

    // The default is to redirect.
    shop.enter().await;
    let url = shop.challenge("ada", "withdrawal").await;
    shop.js("sdk.launch(args)", json!(url)).await;
    shop.visitor.sees("Withdrawal").await;
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn a_popup_shows_itself_grows_and_closes_with_a_token() {
    let (shop, url) = challenged().await;
    // The SDK shows it after three seconds in any case. Without that, the page has to say that it is ready.
    let no_fallback = "const wait = setTimeout; window.setTimeout = (f, ms) => ms === 3000 ? 0 : wait(f, ms)";
    shop.js(no_fallback, json!(null)).await;
    launch(&shop, &url, json!({ "mode": "popup" })).await;
    shop.visitor.waits_until(&format!("document.querySelector('{FRAME}.as-iframe-ready')")).await;
    shop.visitor.waits_until(&format!("{CONTAINER}.classList.contains('as-popup-visible')")).await;
    shop.visitor.waits_until(&format!("parseInt(document.querySelector('{FRAME}').style.height) > 100")).await;
    shop.visitor.enters(FRAME).await;
    shop.visitor.sees("Withdrawal").await;
    shop.visitor.types("000000").await;
    shop.visitor.reads(".problem", "code").await;
    shop.visitor.confirms("Withdrawal").await;
    shop.visitor.leaves_frames().await;
    let outcome = outcome(&shop).await;
    shop.proves(&outcome, "ada", "withdrawal").await;
    assert_eq!(shop.js(&format!("return [{CONTAINER}, errors]"), json!(null)).await, json!([null, []]));

    // Another one can be opened afterwards.
    let url = shop.challenge("ada", "withdrawal").await;
    launch(&shop, &url, json!({ "mode": "popup" })).await;
    shop.visitor.enters(FRAME).await;
    shop.visitor.sees("Withdrawal").await;
    shop.visitor.leaves_frames().await;
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn a_popup_of_fixed_size_keeps_it() {
    let (shop, url) = challenged().await;
    let size = json!({ "width": "420px", "height": "600px" });
    launch(&shop, &url, json!({ "mode": "popup", "popupOptions": size })).await;
    shop.visitor.waits_until(&format!("document.querySelector('{FRAME}.as-iframe-ready')")).await;
    let measure =
        format!("const frame = document.querySelector('{FRAME}'); return [frame.offsetWidth, frame.offsetHeight]");
    assert_eq!(shop.js(&measure, json!(null)).await, json!([420, 600]));
    shop.visitor.enters(FRAME).await;
    shop.visitor.confirms("Withdrawal").await;
    shop.visitor.leaves_frames().await;
    shop.proves(&outcome(&shop).await, "ada", "withdrawal").await;
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn a_popup_that_is_left_proves_nothing() {
    let (shop, url) = challenged().await;
    launch(&shop, &url, json!({ "mode": "popup" })).await;
    shop.visitor.enters(FRAME).await;
    shop.visitor.sees("Withdrawal").await;
    shop.visitor.click("Cancel").await;
    shop.visitor.leaves_frames().await;
    let cancelled = outcome(&shop).await;
    let validated = shop.validated(&cancelled).await;
    assert!(!validated.is_valid, "{validated:?}");
    assert_eq!(validated.state.unwrap().as_str(), "CHALLENGE_REQUIRED");

    // Clicked away: the page isn't asked, and there is no token.
    launch(&shop, &url, json!({ "mode": "popup" })).await;
    shop.visitor.waits_until(&format!("{CONTAINER}?.classList.contains('as-popup-visible')")).await;
    shop.js("document.querySelector('#__authsignal-popup-overlay').click()", json!(null)).await;
    assert_eq!(outcome(&shop).await, json!({ "hasToken": true, "token": null }));
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn a_popup_tells_of_a_link_that_has_expired() {
    let (shop, url) = challenged().await;
    shop.advance(600);
    launch(&shop, &url, json!({ "mode": "popup" })).await;
    shop.visitor.waits_until("errors.length").await;
    assert_eq!(
        shop.js("return [errors, outcome]", json!(null)).await,
        json!([[{ "errorCode": "expired_token", "statusCode": 401 }], null]),
        "it says so, and stays"
    );
    shop.visitor.leaves().await;
}

/// What a developer does on the page by hand is told as what users do is: a failure has a token, an expired link none.
#[tokio::test]
async fn a_popup_is_failed_and_had_expire_by_hand() {
    let (shop, url) = challenged().await;
    launch(&shop, &url, json!({ "mode": "popup" })).await;
    shop.visitor.enters(FRAME).await;
    shop.visitor.sees("Withdrawal").await;
    shop.visitor.click("Fail this challenge").await;
    shop.visitor.leaves_frames().await;
    let failed = outcome(&shop).await;
    let validated = shop.validated(&failed).await;
    assert_eq!((validated.is_valid, validated.state.unwrap().as_str()), (false, "CHALLENGE_FAILED"));

    let url = shop.challenge("ada", "withdrawal").await;
    launch(&shop, &url, json!({ "mode": "popup" })).await;
    shop.visitor.enters(FRAME).await;
    shop.visitor.sees("Withdrawal").await;
    shop.visitor.click("Let this link expire").await;
    shop.visitor.sees("The link has expired").await;
    shop.visitor.leaves_frames().await;
    shop.visitor.waits_until("errors.length").await;
    let errors = json!([{ "errorCode": "expired_token", "statusCode": 401 }]);
    assert_eq!(shop.js("return [errors, outcome]", json!(null)).await, json!([errors, null]));
    assert_eq!(shop.emulator.actions("ada")[0].state.as_str(), "CHALLENGE_REQUIRED");
    shop.visitor.leaves().await;
}

#[tokio::test]
async fn a_window_closes_with_a_token() {
    let (shop, url) = challenged().await;
    let tab = shop.visitor.tab().await;
    launch(&shop, &url, json!({ "mode": "window" })).await;
    shop.visitor.goes_to_the_window_beside(&tab).await;
    shop.visitor.confirms("Withdrawal").await;
    shop.visitor.goes_to(&tab).await;
    shop.proves(&outcome(&shop).await, "ada", "withdrawal").await;

    // One that can't be used says so to the page that opened it.
    let url = shop.challenge("ada", "withdrawal").await;
    shop.advance(600);
    launch(&shop, &url, json!({ "mode": "window" })).await;
    shop.visitor.waits_until("errors.length").await;
    let errors = shop.js("return errors", json!(null)).await;
    assert_eq!(errors, json!([{ "errorCode": "expired_token", "statusCode": 401 }]));
    shop.visitor.leaves().await;
}
