//! What is wrong with a page, as every page is looked at.
use serde_json::json;

use super::Visitor;

/// What any page has to have, in the page's own words for what is missing.
const FAULTS: &str = r#"
    const faults = [];
    const { documentElement: root, title } = document;
    if (!root.lang) faults.push("no language");
    if (!title.trim()) faults.push("no title");
    if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
    if (document.querySelectorAll("main").length !== 1) faults.push("not one main");
    for (const input of document.querySelectorAll("input:not([type=hidden], [hidden])"))
        if (![...input.labels].some(label => label.textContent.trim())) faults.push("no label: " + input.name);
    for (const button of document.querySelectorAll("button, a"))
        if (!button.textContent.trim()) faults.push("no name: " + button.outerHTML);
    const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
    if (new Set(ids).size !== ids.length) faults.push("an id twice");
    if (root.scrollWidth > root.clientWidth) faults.push(`${root.scrollWidth} px in ${root.clientWidth}`);
    return faults;
"#;

impl Visitor {
    /// What is wrong with the page that any page has to have.
    pub async fn look_over(&self) {
        let faults = self.browser.execute(FAULTS, vec![]).await.unwrap();
        if faults != json!([]) {
            self.fail(&faults.to_string()).await;
        }
    }

    /// Lets axe-core look over the page: every rule of WCAG 2.2 at levels A and AA, and its best practices.
    pub async fn passes_axe(&self) {
        const RUN: &str = r#"
            const [done] = [...arguments].slice(-1);
            const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
            axe.run(document, { runOnly: tags, resultTypes: ["violations"] }).then(
                ({ violations, passes }) => done({ passed: passes.length, faults: violations.map(({ id, help, nodes }) =>
                    `${id}: ${help}: ${nodes.map(node => node.html.slice(0, 200)).join(" | ")}`) }),
                error => done({ passed: 0, faults: [String(error)] }));
        "#;
        let axe = concat!(env!("CARGO_MANIFEST_DIR"), "/../../node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(axe).expect("`npm ci` installs axe-core");
        self.browser.execute(&axe, vec![]).await.unwrap();
        let found = self.browser.execute_async(RUN, vec![]).await.unwrap();
        assert!(found["passed"].as_u64().unwrap_or_default() > 5, "axe looked at nothing: {found}");
        if found["faults"] != json!([]) {
            self.fail(&found["faults"].to_string()).await;
        }
    }
}
