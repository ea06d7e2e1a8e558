//! Mails written to a folder.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use fpm_registry::{
    accounts::{mail::Mailer, token::Token},
    server::mail::{Transport, folder::Folder},
};

use crate::{ADA, mailer, notice, reset_mail, temporary};

/// An empty folder of its own for each test.
fn data_dir(test: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    folder
}

#[tokio::test]
async fn a_folder_gets_a_file_with_the_link_and_the_log_names_it() {
    let data_dir = data_dir("folder");
    let log = Log::default();
    let listening = log.listen();
    let token = Token::random();
    let mailer = mailer(Transport::Folder(Folder::open(&data_dir).unwrap()));
    mailer.send(reset_mail(&token)).await.unwrap();
    drop(listening);

    let outbox = data_dir.join("outbox");
    let files: Vec<PathBuf> = fs::read_dir(&outbox)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let [file] = files.as_slice() else {
        panic!("not one file: {files:?}");
    };
    assert!(
        log.text()
            .contains(&format!("mail written file={}", file.display())),
        "{}",
        log.text()
    );
    assert!(file.extension().is_some_and(|extension| extension == "eml"));
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&outbox), mode(file)), (0o700, 0o600));

    let raw = fs::read_to_string(file).unwrap();
    let link = format!(
        "\r\n\r\nhttps://registry.example.net/auth/reset-password?uuid={}\r\n\r\n",
        token.reveal()
    );
    assert!(raw.contains(&link), "{raw}");
    assert!(!log.text().contains(ADA) && !log.text().contains(&token.reveal()));
}

#[test]
fn a_folder_that_cannot_be_written_is_one_sentence() {
    let data_dir = data_dir("blocked-folder");
    fs::create_dir_all(&data_dir).unwrap();
    fs::write(data_dir.join("outbox"), "a file in the way").unwrap();
    let sentence = Folder::open(&data_dir).err().unwrap().to_string();
    assert!(
        sentence.starts_with("DATA_DIR must be writable"),
        "{sentence}"
    );
    assert!(sentence.contains("blocked-folder/outbox"), "{sentence}");
}

#[tokio::test]
async fn a_folder_lost_later_is_temporary() {
    let data_dir = data_dir("lost-folder");
    let mailer = mailer(Transport::Folder(Folder::open(&data_dir).unwrap()));
    fs::remove_dir_all(&data_dir).unwrap();
    assert!(temporary(mailer.send(notice()).await).contains("No such file"));
}

/// What is logged on this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
