//! What somebody at a browser does here and not in the quick start.
use fantoccini::Locator;
use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};

use crate::visitor::{PATIENCE, Visitor};

impl Visitor {
    /// Runs the body of an asynchronous function in the page, with `args`, and waits for what it returns or throws.
    pub(crate) async fn runs(&self, body: &str, args: Value) -> Result<Value, String> {
        let script = format!(
            "const [args, done] = arguments; (async () => {{ {body} }})().then(
                value => done({{ value: value ?? null }}), error => done({{ error: `${{error.name}}: ${{error.message}}` }}));"
        );
        let mut answer = self.browser.execute_async(&script, vec![args]).await.unwrap();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["value"].take()),
        }
    }

    /// Waits for a frame, and is in it from then on.
    pub(crate) async fn enters(&self, frame: &str) {
        self.waits_for(Locator::Css(frame)).await.enter_frame().await.unwrap();
    }

    /// Is in the page itself again, whose frame may be gone.
    pub(crate) async fn leaves_frames(&self) {
        self.driver("frame", json!({ "id": null })).await;
    }

    /// Waits for another window than this one, and goes there.
    pub(crate) async fn goes_to_the_window_beside(&self, this: &WindowHandle) {
        let other = tokio::time::timeout(PATIENCE, async {
            loop {
                let windows = self.browser.windows().await.unwrap();
                if let Some(other) = windows.into_iter().find(|window| window != this) {
                    return other;
                }
            }
        });
        self.goes_to(&other.await.expect("another window")).await;
    }

    /// Waits until an expression is true in the page.
    pub(crate) async fn waits_until(&self, expression: &str) {
        let until = format!(
            "const end = Date.now() + args; while (!({expression})) {{ if (Date.now() > end) throw new Error('not yet');
             await new Promise(requestAnimationFrame); }}"
        );
        let patience = json!(u64::try_from(PATIENCE.as_millis()).unwrap());
        self.runs(&until, patience).await.unwrap_or_else(|error| panic!("{expression}: {error}"));
    }

    /// Gets a device that holds credentials: built in (`internal`), or a key to plug in (`usb`). It says yes to all.
    pub(crate) async fn gets_authenticator(&self, transport: &str) -> String {
        let built_in = transport == "internal";
        let device = json!({
            "protocol": "ctap2", "transport": transport, "hasResidentKey": built_in, "hasUserVerification": built_in,
            "isUserVerified": built_in, "isUserConsenting": true,
        });
        let answer = self.driver("webauthn/authenticator", device).await;
        answer["value"].as_str().unwrap().to_owned()
    }
}
