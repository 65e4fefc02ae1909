//! A notice in the form that its receiver takes. What others wrote (names of people, groups and
//! policies) is hostile input: it is cleaned, cut and kept from meaning anything.

use serde_json::{Value, json};

use crate::config::WebhookFormat;
use crate::domain::event::Event;
use crate::ports::desk::{Delivery, Notice};
use crate::report::text::style::clean;

/// The version of the JSON form.
const FORMAT_VERSION: u64 = 1;
/// How long a title may be, in characters.
const TITLE_MAX: usize = 300;
/// How long a detail may be, in characters.
const DETAIL_MAX: usize = 500;
/// How many details are told.
const DETAILS_MAX: usize = 20;
/// How much all details may take, in bytes, so that a card stays below what Teams takes.
const DETAILS_BYTES_MAX: usize = 12 * 1024;
/// How long a header may be. Source: Slack, Block Kit, header block.
const SLACK_HEADER_MAX: usize = 150;
/// How long a text may be. Source: Slack, Block Kit, section block: 3,000 characters.
const SLACK_SECTION_MAX: usize = 3_000;

/// Writes a notice.
pub(super) fn body(format: WebhookFormat, delivery: &Delivery) -> String {
    let told = Told::new(&delivery.notice);
    let body = match format {
        WebhookFormat::Json => plain(delivery, &told),
        WebhookFormat::Teams => teams(&told),
        WebhookFormat::Slack => slack(&told),
    };
    body.to_string()
}

/// What is told, cleaned and cut.
struct Told {
    event: Event,
    title: String,
    context: String,
    details: Vec<String>,
}

impl Told {
    fn new(notice: &Notice) -> Self {
        let Notice { tenant, event, subject: _, at, title, details, plan: _ } = notice;
        let mut bytes = 0;
        let mut told: Vec<String> = details
            .iter()
            .take(DETAILS_MAX)
            .map(|detail| cut(&clean(detail), DETAIL_MAX))
            .take_while(|detail| {
                bytes += detail.len();
                bytes <= DETAILS_BYTES_MAX
            })
            .collect();
        if told.len() < details.len() {
            told.push(format!("… and {} more", details.len() - told.len()));
        }
        Self {
            event: *event,
            title: cut(&clean(title), TITLE_MAX),
            context: format!("tenant {tenant} · {} · {at:.0}", event.as_str()),
            details: told,
        }
    }
}

/// Cuts a text that is too long.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{kept}…")
}

/// For programs. `number` is the same whenever a notice comes again.
fn plain(delivery: &Delivery, told: &Told) -> Value {
    let Delivery { number, receiver: _, notice, tries: _ } = delivery;
    json!({
        "format_version": FORMAT_VERSION,
        "number": number,
        "at": notice.at.to_string(),
        "tenant": notice.tenant.as_str(),
        "event": notice.event.as_str(),
        "title": told.title,
        "details": told.details,
        "plan": notice.plan.map(|plan| plan.to_string()),
    })
}

/// An adaptive card, as a workflow of Teams takes it. Its texts are runs, which know no Markdown.
///
/// Source: Adaptive Cards 1.4, `RichTextBlock` and `TextRun`; Teams, "When a webhook request is
/// received": a message with attachments, 28 KB at most.
fn teams(told: &Told) -> Value {
    let block = |run: Value| json!({"type": "RichTextBlock", "inlines": [run]});
    let run = |text: &str| json!({"type": "TextRun", "text": inert(text)});
    let mut title = run(&told.title);
    title["weight"] = "Bolder".into();
    title["size"] = "Medium".into();
    title["color"] = colour(told.event).into();
    let mut context = run(&told.context);
    context["isSubtle"] = true.into();
    let details = told.details.iter().map(|detail| block(run(detail)));
    let blocks: Vec<Value> = [block(title), block(context)].into_iter().chain(details).collect();
    json!({
        "type": "message",
        "summary": inert(&told.title),
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": blocks,
                "msteams": {"width": "Full"},
            },
        }],
    })
}

/// Keeps `{{DATE(…)}}` and `${…}` from being filled in, and `<at>` from being a mention.
fn inert(text: &str) -> String {
    text.replace("{{", "{ {").replace("${", "$ {").replace('<', "‹").replace('>', "›")
}

fn colour(event: Event) -> &'static str {
    match event {
        Event::Failed | Event::Partial | Event::Invalid => "Attention",
        Event::Held | Event::Expiring => "Warning",
        Event::Waiting | Event::Catalogue => "Accent",
        Event::Recovered => "Good",
    }
}

/// A message, as incoming webhooks of Slack take it.
fn slack(told: &Told) -> Value {
    let text = |text: String| json!({"type": "plain_text", "text": text, "emoji": false});
    let mut blocks = vec![
        json!({"type": "header", "text": text(fitting(&told.title, SLACK_HEADER_MAX))}),
        json!({"type": "context", "elements": [text(escaped(&told.context))]}),
    ];
    if !told.details.is_empty() {
        let mut lines = String::new();
        for detail in &told.details {
            let detail = fitting(detail, SLACK_SECTION_MAX);
            if lines.chars().count() + detail.chars().count() + 3 > SLACK_SECTION_MAX {
                lines.push_str("\n…");
                break;
            }
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(&detail);
        }
        blocks.push(json!({"type": "section", "text": text(lines)}));
    }
    json!({
        "text": format!("{} ({})", escaped(&told.title), escaped(&told.context)),
        "mrkdwn": false,
        "unfurl_links": false,
        "unfurl_media": false,
        "blocks": blocks,
    })
}

/// Escapes what would be a link, a mention or a channel.
///
/// Source: Slack, formatting text: `&`, `<` and `>` alone.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Escapes a text, and cuts it before so that it fits after.
fn fitting(text: &str, most: usize) -> String {
    let mut kept = text.chars().count().min(most);
    loop {
        let written = escaped(&cut(text, kept));
        if written.chars().count() <= most {
            return written;
        }
        kept -= 1;
    }
}
