//! How every page looks, on a phone and on a desk, in light and in dark; the pictures of `docs/walk.md` are taken here.
use std::path::PathBuf;

use serde_json::json;

use test_support::visitor::Visitor;

/// The lowest contrast of any text against what is behind it, and that text.
const CONTRAST: &str = r#"
    const channel = value => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const parts = color => color.match(/[\d.]+/g).map(Number);
    const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
    const behind = element => {
        for (; element; element = element.parentElement) {
            const color = parts(getComputedStyle(element).backgroundColor);
            if (color.length < 4 || color[3] === 1) return color;
        }
        return [255, 255, 255];
    };
    const faults = [];
    for (const element of document.body.querySelectorAll("*")) {
        const text = [...element.childNodes].find(node => node.nodeType === 3 && node.data.trim());
        if (!text || !element.checkVisibility() || element.closest("svg")) continue;
        const [a, b] = [parts(getComputedStyle(element).color), behind(element)].map(light).sort((a, b) => b - a);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < 4.5) faults.push(`${ratio.toFixed(2)}: ${text.data.trim()}`);
    }
    for (const control of document.querySelectorAll("button, a.go, a.tile, input:not([type=hidden])"))
        if (control.checkVisibility() && control.getBoundingClientRect().height < 40)
            faults.push(`hard to hit: ${control.outerHTML}`);
    return faults;
"#;

/// The screens to look at pages on.
const SCREENS: [Screen; 4] = [
    Screen { name: "desk", width: 800, height: 480, dark: false },
    Screen { name: "desk-dark", width: 1100, height: 480, dark: true },
    Screen { name: "phone", width: 360, height: 640, dark: false },
    Screen { name: "phone-dark", width: 360, height: 640, dark: true },
];

/// What the documentation shows.
const PICTURES: [&str; 15] = [
    "home-desk",
    "home-phone",
    "challenge-desk",
    "challenge-phone-dark",
    "wrong-code-desk",
    "left-desk",
    "remembered-desk",
    "resume-desk",
    "resume-phone-dark",
    "sent-desk",
    "refused-desk",
    "first-method-phone",
    "app-desk",
    "phone-asked-desk-dark",
    "codes-phone",
];

struct Screen {
    name: &'static str,
    width: u32,
    height: u32,
    dark: bool,
}

impl Screen {
    async fn turn_on(&self, visitor: &Visitor, height: u32) {
        let metrics = json!({ "width": self.width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        visitor.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let scheme = if self.dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        visitor.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// Takes a picture of the whole page, where one is wanted.
    async fn take(&self, visitor: &Visitor, page: &str) {
        let name = format!("{page}-{}", self.name);
        let Some(folder) = std::env::var_os("SCREENSHOTS").filter(|_| PICTURES.contains(&&*name)) else { return };
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
        visitor.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        // Twice: margins may grow with the window.
        for _ in 0..2 {
            let height = visitor.evaluates("return document.documentElement.scrollHeight").await;
            self.turn_on(visitor, height.as_u64().unwrap().try_into().unwrap()).await;
        }
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), visitor.picture().await).unwrap();
        visitor.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": false })).await;
    }
}

/// Looks over the page that is there, on every screen.
pub(crate) async fn look(visitor: &Visitor, page: &str) {
    for screen in &SCREENS {
        screen.turn_on(visitor, screen.height).await;
        visitor.look_over().await;
        let faults = visitor.evaluates(CONTRAST).await;
        assert_eq!(faults, json!([]), "{page} on {}", screen.name);
        visitor.passes_axe().await;
        screen.take(visitor, page).await;
    }
}

#[tokio::test]
async fn every_page_can_be_read_on_every_screen() {
    let visitor = Visitor::arrive().await;
    look(&visitor, "sign-in").await;
    visitor.sign_in("Ada").await;
    look(&visitor, "home").await;

    visitor.click("Card").await;
    visitor.sees("View card").await;
    look(&visitor, "challenge").await;
    visitor.types("123456").await;
    visitor.reads(".problem", "That code is wrong").await;
    look(&visitor, "wrong-code").await;
    visitor.click("Cancel").await;
    visitor.sees("Not confirmed yet").await;
    look(&visitor, "left").await;

    visitor.goes_home().await;
    visitor.click("Statement").await;
    visitor.confirms("View statement").await;
    visitor.sees("Your statement").await;
    visitor.goes_home().await;
    visitor.click("Statement").await;
    visitor.sees("Your statement").await;
    look(&visitor, "remembered").await;

    visitor.goes_home().await;
    visitor.click("Send").await;
    visitor.confirms("Transfer").await;
    visitor.sees("One last step").await;
    look(&visitor, "resume").await;
    visitor.click("Continue").await;
    visitor.sees("Money sent").await;
    look(&visitor, "sent").await;
    visitor.back().await;
    if visitor.sees_one_of(&["Already passed on", "One last step"]).await == "One last step" {
        visitor.reload().await;
    }
    visitor.sees("Already passed on").await;
    look(&visitor, "done").await;

    visitor.goes_home().await;
    visitor.click("Close the account").await;
    visitor.sees("This was refused").await;
    look(&visitor, "refused").await;
    visitor.open("/authsignal/callback?flow=x").await;
    visitor.sees("This link is not complete").await;
    look(&visitor, "broken").await;

    visitor.goes_home().await;
    visitor.click("Sign out").await;
    visitor.sign_in("Grace").await;
    visitor.click("Limit").await;
    visitor.sees("View limit").await;
    look(&visitor, "first-method").await;
    visitor.click("Code by e-mail").await;
    visitor.fill("E-mail address", "grace@example.com").await;
    look(&visitor, "address").await;
    visitor.click("Use another method").await;
    visitor.click("Authenticator app").await;
    visitor.text(".scan").await;
    look(&visitor, "app").await;
    for method in ["Code by text message", "Link by e-mail", "Passkey", "Security key", "QR code", "Push message"] {
        visitor.click("Use another method").await;
        visitor.click(method).await;
        visitor.text("#main").await;
        look(&visitor, method).await;
    }
    visitor.click("Set up this phone").await;
    visitor.sees("Recovery codes").await;
    look(&visitor, "codes").await;
    visitor.click("Continue").await;
    visitor.sees("Your limit").await;
    visitor.goes_home().await;
    visitor.click("Limit").await;
    visitor.sees("View limit").await;
    look(&visitor, "phone-asked").await;
    visitor.click("Lost access?").await;
    look(&visitor, "recovery").await;
    visitor.leaves().await;
}
