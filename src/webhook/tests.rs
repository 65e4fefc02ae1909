use std::collections::VecDeque;

use insta::assert_snapshot;
use jiff::SignedDuration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use super::*;
use crate::domain::event::Event;
use crate::ports::desk::Notice;
use letterbox::Letterbox;

mod letterbox;

fn at(time: &str) -> Timestamp {
    format!("2026-11-23T{time}Z").parse().unwrap()
}

fn notice(title: &str, details: &[&str]) -> Notice {
    Notice {
        tenant: "contoso".parse().unwrap(),
        event: Event::Held,
        subject: title.into(),
        at: at("09:00:00"),
        title: title.to_owned(),
        details: details.iter().map(|detail| (*detail).to_owned()).collect(),
        plan: None,
    }
}

fn delivery(title: &str, details: &[&str]) -> Delivery {
    Delivery { number: 7, receiver: "teams-1".into(), notice: notice(title, details), tries: 0 }
}

fn hostile() -> Delivery {
    delivery(
        "plan for <!channel> & *everyone* [here](https://evil.example)",
        &["max_removals: 9 of 20 owned \u{202e}gnp.exe", "{{DATE(2026-01-01)}} ${x} <at>ana</at>"],
    )
}

fn pretty(format: WebhookFormat, delivery: &Delivery) -> String {
    let body: serde_json::Value = serde_json::from_str(&format::body(format, delivery)).unwrap();
    serde_json::to_string_pretty(&body).unwrap()
}

#[test]
fn programs_are_told_in_json() {
    assert_snapshot!(pretty(WebhookFormat::Json, &delivery("a title", &["one", "two"])), @r#"
    {
      "at": "2026-11-23T09:00:00Z",
      "details": [
        "one",
        "two"
      ],
      "event": "held",
      "format_version": 1,
      "number": 7,
      "plan": null,
      "tenant": "contoso",
      "title": "a title"
    }
    "#);
}

#[test]
fn a_card_for_teams_has_no_text_that_means_anything() {
    assert_snapshot!(pretty(WebhookFormat::Teams, &hostile()), @r#"
    {
      "attachments": [
        {
          "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "body": [
              {
                "inlines": [
                  {
                    "color": "Warning",
                    "size": "Medium",
                    "text": "plan for ‹!channel› & *everyone* [here](https://evil.example)",
                    "type": "TextRun",
                    "weight": "Bolder"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "isSubtle": true,
                    "text": "tenant contoso · held · 2026-11-23T09:00:00Z",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "max_removals: 9 of 20 owned �gnp.exe",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              },
              {
                "inlines": [
                  {
                    "text": "{ {DATE(2026-01-01)}} $ {x} ‹at›ana‹/at›",
                    "type": "TextRun"
                  }
                ],
                "type": "RichTextBlock"
              }
            ],
            "msteams": {
              "width": "Full"
            },
            "type": "AdaptiveCard",
            "version": "1.4"
          },
          "contentType": "application/vnd.microsoft.card.adaptive",
          "contentUrl": null
        }
      ],
      "summary": "plan for ‹!channel› & *everyone* [here](https://evil.example)",
      "type": "message"
    }
    "#);
}

#[test]
fn a_message_for_slack_mentions_nobody() {
    assert_snapshot!(pretty(WebhookFormat::Slack, &hostile()), @r#"
    {
      "blocks": [
        {
          "text": {
            "emoji": false,
            "text": "plan for &lt;!channel&gt; &amp; *everyone* [here](https://evil.example)",
            "type": "plain_text"
          },
          "type": "header"
        },
        {
          "elements": [
            {
              "emoji": false,
              "text": "tenant contoso · held · 2026-11-23T09:00:00Z",
              "type": "plain_text"
            }
          ],
          "type": "context"
        },
        {
          "text": {
            "emoji": false,
            "text": "max_removals: 9 of 20 owned �gnp.exe\n{{DATE(2026-01-01)}} ${x} &lt;at&gt;ana&lt;/at&gt;",
            "type": "plain_text"
          },
          "type": "section"
        }
      ],
      "mrkdwn": false,
      "text": "plan for &lt;!channel&gt; &amp; *everyone* [here](https://evil.example) (tenant contoso · held · 2026-11-23T09:00:00Z)",
      "unfurl_links": false,
      "unfurl_media": false
    }
    "#);
}

#[test]
fn what_is_long_is_cut_to_what_receivers_take() {
    let line = "<&>é".repeat(2_000);
    let details: Vec<&str> = std::iter::repeat_n(line.as_str(), 500).collect();
    let long = delivery(&line, &details);
    assert!(format::body(WebhookFormat::Teams, &long).len() < 28 * 1024);
    assert!(format::body(WebhookFormat::Json, &long).len() < 28 * 1024);
    let slack: serde_json::Value =
        serde_json::from_str(&format::body(WebhookFormat::Slack, &long)).unwrap();
    let length = |at: &str| slack.pointer(at).unwrap().as_str().unwrap().chars().count();
    assert!(length("/blocks/0/text/text") <= 150);
    assert!(length("/blocks/2/text/text") <= 3_000);
}

fn said(sent: Sent, tries: u32, now: &str) -> String {
    let delivery = Delivery { tries, ..delivery("x", &[]) };
    let Verdict { outcome, pause } = verdict(&delivery, sent, at(now), 0.0);
    let pause = pause.map(|until| format!(", alone until {until}")).unwrap_or_default();
    match outcome {
        Delivered::Done => format!("done{pause}"),
        Delivered::Again { at, why } => format!("again at {at}: {why}{pause}"),
        Delivered::GivenUp { why } => format!("given up: {why}{pause}"),
    }
}

#[test]
fn a_receiver_that_is_down_is_tried_less_and_less_often() {
    let down = || Sent::Unanswered { why: "no connection".to_owned() };
    let tries: Vec<String> =
        [0, 1, 2, 8, 9, 40].map(|tries| said(down(), tries, "10:00:00")).into();
    assert_snapshot!(tries.join("\n"), @"
    again at 2026-11-23T10:00:10Z: no connection, alone until 2026-11-23T10:00:10Z
    again at 2026-11-23T10:00:20Z: no connection, alone until 2026-11-23T10:00:20Z
    again at 2026-11-23T10:00:40Z: no connection, alone until 2026-11-23T10:00:40Z
    again at 2026-11-23T10:42:40Z: no connection, alone until 2026-11-23T10:42:40Z
    again at 2026-11-23T11:00:00Z: no connection, alone until 2026-11-23T11:00:00Z
    again at 2026-11-23T11:00:00Z: no connection, alone until 2026-11-23T11:00:00Z
    ");
}

#[test]
fn a_receiver_that_asks_to_wait_is_waited_for() {
    let later =
        |seconds| Sent::Later { status: 429, retry_after: Some(Duration::from_secs(seconds)) };
    assert_snapshot!(said(later(120), 0, "10:00:00"), @"again at 2026-11-23T10:02:00Z: it answered with HTTP 429, alone until 2026-11-23T10:02:00Z");
    assert_snapshot!(said(later(1), 0, "10:00:00"), @"again at 2026-11-23T10:00:10Z: it answered with HTTP 429, alone until 2026-11-23T10:00:10Z");
    // However long it asks for: the notice is tried once more before it is too old.
    assert_snapshot!(said(later(u64::MAX), 0, "10:00:00"), @"again at 2026-11-24T09:00:00Z: it answered with HTTP 429, alone until 2026-11-24T09:00:00Z");
}

#[test]
fn what_is_refused_three_times_or_a_day_old_is_given_up() {
    let refused = || Sent::Refused { status: 404 };
    assert_snapshot!(said(refused(), 0, "10:00:00"), @"again at 2026-11-23T10:00:10Z: it answered with HTTP 404");
    assert_snapshot!(said(refused(), 2, "10:00:00"), @"given up: it answered with HTTP 404");
    let delivery = delivery("x", &[]);
    let old = delivery.notice.at + SignedDuration::from_hours(24);
    let late = verdict(&delivery, Sent::Later { status: 503, retry_after: None }, old, 0.0);
    let why = "it answered with HTTP 503; it was tried for 24 h".to_owned();
    assert_eq!(late.outcome, Delivered::GivenUp { why });
}

/// A clock that goes with the runtime's.
struct Running(Timestamp, tokio::time::Instant);

impl Clock for Running {
    fn now(&self) -> Timestamp {
        self.0 + SignedDuration::try_from(self.1.elapsed()).unwrap()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

type Answers = VecDeque<fn() -> Sent>;

/// Answers from a list by address, the last answer for ever, and keeps when it was asked.
#[derive(Default)]
struct Scripted {
    answers: Mutex<BTreeMap<&'static str, Answers>>,
    asked: Mutex<Vec<(String, u64)>>,
    began: Option<tokio::time::Instant>,
}

impl Sender for Arc<Scripted> {
    async fn send(&self, address: &SecretString, _: String) -> Sent {
        use secrecy::ExposeSecret as _;
        let address = address.expose_secret();
        let since = self.began.unwrap().elapsed().as_secs();
        self.asked.lock().unwrap().push((address.to_owned(), since));
        if address == "hangs" {
            return std::future::pending().await;
        }
        let mut answers = self.answers.lock().unwrap();
        let list = answers.get_mut(address).unwrap();
        let answer = list[0];
        if list.len() > 1 {
            list.pop_front();
        }
        answer()
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

fn receiver(name: &'static str) -> Receiver {
    let address: Address = Arc::new(move || Ok(SecretString::from(name.to_owned())));
    Receiver { name: name.into(), format: WebhookFormat::Json, address }
}

struct Lab {
    store: Arc<Letterbox>,
    tally: Arc<Tally>,
    sender: Arc<Scripted>,
    clock: Arc<Running>,
}

impl Lab {
    async fn new(notices: &[(&str, &[&str])]) -> Self {
        let store = Arc::new(Letterbox::default());
        for (title, receivers) in notices {
            let receivers = receivers.iter().map(|name| Arc::from(*name)).collect();
            assert!(store.notify(notice(title, &[]), receivers).await.unwrap());
        }
        let now = tokio::time::Instant::now();
        let sender = Scripted { began: Some(now), ..Scripted::default() };
        let clock = Arc::new(Running(at("09:00:00"), now));
        Self { store, tally: Arc::default(), sender: Arc::new(sender), clock }
    }

    fn answers(self, address: &'static str, answers: &[fn() -> Sent]) -> Self {
        let answers = answers.iter().copied().collect();
        self.sender.answers.lock().unwrap().insert(address, answers);
        self
    }

    /// Delivers for so long.
    async fn run(&self, receivers: Vec<Receiver>, length: Duration) {
        let (store, clock, tally) = (self.store.clone(), self.clock.clone(), self.tally.clone());
        let post = Post::new(store, receivers, clock, tally, Arc::clone(&self.sender));
        post.until(tokio::time::sleep(length)).await;
    }

    fn asked(&self, address: &str) -> Vec<u64> {
        let asked = self.sender.asked.lock().unwrap();
        asked.iter().filter(|(to, _)| to == address).map(|(_, since)| *since).collect()
    }
}

fn arrives() -> Sent {
    Sent::Arrived
}

fn is_down() -> Sent {
    Sent::Unanswered { why: "no connection".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_hangs_holds_up_nobody_else() {
    let lab = Lab::new(&[("one", &["hangs", "works"]), ("two", &["hangs", "works"])]).await;
    let lab = lab.answers("works", &[arrives]);
    lab.run(vec![receiver("hangs"), receiver("works")], Duration::from_secs(5)).await;
    assert_eq!(lab.asked("works").len(), 2);
    assert_eq!(lab.asked("hangs").len(), 1);
    // What did not arrive is there for the next start.
    let left = lab.store.due_deliveries(lab.clock.now()).await.unwrap();
    let left: Vec<(&str, u32)> = left.iter().map(|one| (&*one.receiver, one.tries)).collect();
    assert_eq!(left, [("hangs", 0), ("hangs", 0)]);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_down_is_not_asked_for_each_notice() {
    let lab = Lab::new(&[("one", &["down"]), ("two", &["down"])]).await;
    let lab = lab.answers("down", &[is_down, is_down, arrives]);
    lab.run(vec![receiver("down")], Duration::from_mins(2)).await;
    let asked = lab.asked("down");
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert!(asked[1] - asked[0] >= 10, "{asked:?}");
    let counts = lab.tally.current()["down"];
    assert_eq!(counts, DeliveryCounts { delivered: 2, failed: 2, given_up: 0 });
    assert!(lab.store.due_deliveries(lab.clock.now()).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_for_nobody_any_more_is_given_up() {
    let lab = Lab::new(&[("one", &["gone"])]).await;
    lab.run(Vec::new(), Duration::from_secs(3)).await;
    assert!(lab.store.due_deliveries(lab.clock.now()).await.unwrap().is_empty());
    assert_eq!(lab.tally.current()["gone"].given_up, 1);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_never_answers_is_given_up_after_a_day() {
    let lab = Lab::new(&[("one", &["down"])]).await.answers("down", &[is_down]);
    lab.run(vec![receiver("down")], Duration::from_hours(26)).await;
    let asked = lab.asked("down");
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] <= 3_602), "{asked:?}");
    assert!((86_399..86_405).contains(asked.last().unwrap()), "{asked:?}");
    assert_eq!(lab.tally.current()["down"].given_up, 1);
}

/// Takes what is logged, whatever its level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Answers one request with this, and returns what it was.
async fn answer_once(listener: TcpListener, answer: &str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut read = vec![0; 16 * 1024];
    let mut length = 0;
    while !read[..length].ends_with(b"}") {
        length += stream.read(&mut read[length..]).await.unwrap();
    }
    stream.write_all(answer.as_bytes()).await.unwrap();
    String::from_utf8(read[..length].to_vec()).unwrap()
}

#[tokio::test]
async fn an_address_is_told_to_nobody() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let sender = send::Http::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let address =
        |port| SecretString::from(format!("http://127.0.0.1:{port}/s3cr3t/path?sig=s3cr3t"));
    let answer = "HTTP/1.1 404 s3cr3t\r\nContent-Length: 6\r\n\r\ns3cr3t";
    let taken = tokio::spawn(answer_once(listener, answer));
    let refused = sender.send(&address(port), "{}".to_owned()).await;
    assert_eq!(refused, Sent::Refused { status: 404 });
    assert!(taken.await.unwrap().starts_with("POST /s3cr3t/path?sig=s3cr3t HTTP/1.1\r\n"));
    // Nobody listens there any more.
    let lost = sender.send(&address(port), "{}".to_owned()).await;
    let Sent::Unanswered { why } = &lost else { panic!("{lost:?}") };
    assert!(why.starts_with("no connection: "), "{why}");
    let wrong = sender.send(&SecretString::from("http://s3cr3t.example/"), "{}".to_owned()).await;
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for told in [why.clone(), format!("{wrong:?}"), log] {
        assert!(!told.contains("s3cr3t"), "{told}");
    }
}

#[tokio::test]
async fn nobody_is_followed_elsewhere() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/", listener.local_addr().unwrap());
    let location = elsewhere.local_addr().unwrap();
    let asked = Arc::new(Notify::new());
    let heard = Arc::clone(&asked);
    tokio::spawn(async move {
        let _ = elsewhere.accept().await;
        heard.notify_one();
    });
    let answer =
        format!("HTTP/1.1 307 Moved\r\nLocation: http://{location}/\r\nContent-Length: 0\r\n\r\n");
    let taken = tokio::spawn(async move { answer_once(listener, &answer).await });
    let sent = send::Http::new().unwrap().send(&SecretString::from(address), "{}".to_owned()).await;
    assert_eq!(sent, Sent::Refused { status: 307 });
    taken.await.unwrap();
    tokio::select! {
        biased;
        () = asked.notified() => panic!("it was followed"),
        () = tokio::task::yield_now() => {}
    }
}
