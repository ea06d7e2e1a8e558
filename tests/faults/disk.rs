//! F18: the disk under the embedded store is full or read-only, or its file is damaged.

use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use crate::{
    report,
    socket::{PASSWORD, Registry, Request, Setup, get, login, post, signup},
};

/// How long a registry may take to write again.
const RECOVERY: Duration = Duration::from_secs(5);
/// The size of the pages in a file of the embedded store.
const PAGE: usize = 4096;

#[test]
fn a_full_disk_refuses_writes_and_loses_nothing() {
    let mut setup = Setup::unlimited();
    setup.meets_faults = true;
    let Some(disk) = Disk::mount(setup.folder()) else {
        return;
    };
    let registry = setup.start();
    let mut users = Users::default();
    (0..20).for_each(|_| assert!(users.add(&registry)));
    let session = registry.sign_up("ada@example.org").session();

    disk.fill();
    let begun = Instant::now();
    let mut refused = 0;
    let mut read = 0;
    let goes_on = AtomicBool::new(true);
    let is_full = || goes_on.load(Relaxed) && begun.elapsed() < Duration::from_secs(60);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| rename_while(is_full, &registry, &session));
        }
        let readers = [(); 4].map(|()| scope.spawn(|| read_while(is_full, &registry, &session)));
        while refused < 20 && is_full() {
            refused += usize::from(!users.add(&registry));
        }
        goes_on.store(false, Relaxed);
        read = readers.map(|one| one.join().unwrap()).iter().sum();
    });
    assert_eq!(refused, 20, "writes go on");
    let acknowledged = users.known.len();

    disk.free();
    let recovered = users.add_soon(&registry);
    drop(registry);
    let registry = setup.start();
    users.assert_all_there(&registry);

    disk.fill();
    (0..20).for_each(|_| _ = users.add(&registry));
    drop(registry);
    let again = setup.try_start();
    let start = match again {
        Ok(registry) => {
            assert!(registry.is_logged_in(&session));
            "a start on it serves"
        }
        Err(said) => {
            assert_one_sentence(&said);
            "a start on it ends with one sentence"
        }
    };
    disk.free();
    let registry = setup.start();
    users.assert_all_there(&registry);
    drop(registry);

    disk.remount("ro");
    assert_one_sentence(
        &setup
            .try_start()
            .err()
            .expect("no start on a read-only disk"),
    );
    disk.remount("rw");
    let registry = setup.start();
    users.assert_all_there(&registry);
    drop(registry);
    report(&format!(
        "F18 disk: full, {refused} writes refused with 503 while each of {read} reads succeeded, {acknowledged} signups acknowledged \
         by then, written again {recovered:.2?} after there was room, {start}; read-only: no start, one sentence; {} \
         users can log in after all",
        users.known.len()
    ));
}

#[test]
fn a_disk_that_hangs_is_answered_for() {
    let mut setup = Setup::unlimited();
    setup.meets_faults = true;
    let Some(disk) = Disk::mount_one_that_can_hang(setup.folder()) else {
        return;
    };
    let registry = setup.start();
    let mut users = Users::default();
    (0..5).for_each(|_| assert!(users.add(&registry)));
    let session = registry.sign_up("ada@example.org").session();

    let hang = disk.hang();
    let requests = [
        signup("bob@example.org"),
        login("ada@example.org", PASSWORD),
        post("/auth/logout", &[]).with("Cookie", &session),
        post("/auth/forgot-password", &[("email", "ada@example.org")]),
    ];
    let answer = |request: &Request| {
        let sent = Instant::now();
        registry.send(request).assert_later();
        sent.elapsed()
    };
    let slowest = thread::scope(|scope| {
        let sent: Vec<_> = requests
            .iter()
            .map(|one| scope.spawn(|| answer(one)))
            .collect();
        sent.into_iter()
            .map(|one| one.join().unwrap())
            .max()
            .unwrap()
    });
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    assert_eq!(registry.send(&get("/auth/login").by_browser()).status, 200);
    assert!(registry.is_logged_in(&session), "reads go on");
    let asked = Instant::now();
    let ready = registry.send(&get("/health/ready"));
    let words = r#"{"hashing":"ok","store":"failed"}"#;
    assert_eq!((ready.status, &*ready.body), (503, words));
    assert!(asked.elapsed() < Duration::from_secs(3));
    drop(hang);

    let recovered = users.add_soon(&registry);
    drop(registry);
    users.assert_all_there(&setup.start());
    report(&format!(
        "F18 hanging disk: each request that writes answered with 503, slowest after {slowest:.1?}, reads go on, \
         written again {recovered:.2?} after it went on"
    ));
}

/// What a start makes of a damaged file.
#[derive(Clone, Copy)]
enum Start {
    /// Serves all that was acknowledged.
    Whole,
    /// One or the other: the pages that are gone may have held nothing.
    WholeOrRefused,
    /// Ends with one sentence.
    Refused,
}

/// Whole pages behind the end of the file, which a crash may leave there, do no harm. If pages are missing that held
/// nothing, all is served too. Any other length is refused: none is served in part.
#[test]
fn a_damaged_file_is_whole_or_refused() {
    let setup = Setup::unlimited();
    let registry = setup.start();
    let mut users = Users::default();
    (0..20).for_each(|_| assert!(users.add(&registry)));
    drop(registry);
    let path = setup.folder().join("registry.redb");
    let whole = fs::read(&path).unwrap();
    let size = whole.len();
    let (mut served, mut refused) = (0, 0);
    for (length, expected) in [
        (size + 1, Start::Refused),
        (size + PAGE - 1, Start::Refused),
        (size + PAGE, Start::Whole),
        (size + 256 * PAGE, Start::Whole),
        (size - 1, Start::Refused),
        (size - PAGE, Start::WholeOrRefused),
        (size - size / 4, Start::WholeOrRefused),
        (size - size / 2, Start::WholeOrRefused),
        (PAGE, Start::Refused),
        (1, Start::Refused),
    ] {
        let mut file = whole.clone();
        file.resize(length, 0x5a);
        fs::write(&path, &file).unwrap();
        match (setup.try_start(), expected) {
            (Ok(registry), Start::Whole | Start::WholeOrRefused) => {
                users.assert_all_there(&registry);
                served += 1;
            }
            (Err(said), Start::Refused | Start::WholeOrRefused) => {
                assert_one_sentence(without_panic_of_redb(&said));
                refused += 1;
            }
            (Ok(_), Start::Refused) => panic!("{length} bytes of {size} are served"),
            (Err(said), Start::Whole) => panic!("{length} bytes of {size} are refused: {said}"),
        }
    }
    fs::write(&path, &whole).unwrap();
    users.assert_all_there(&setup.start());
    report(&format!(
        "F18 file: {served} damaged files served whole, {refused} refused with one sentence"
    ));
}

/// A page that the start reads ends it with one sentence. Whatever else a request meets is answered, and each
/// write that cannot be done is in the log: the one that redb panicked at is not the last.
#[test]
fn a_damaged_page_ends_no_process_without_a_word() {
    let mut setup = Setup::unlimited();
    setup.meets_faults = true;
    setup.meets_damage = true;
    let registry = setup.start();
    let ada = registry.sign_up("ada@example.org").session();
    let mut users = Users::default();
    (0..20).for_each(|_| assert!(users.add(&registry)));
    drop(registry);
    let path = setup.folder().join("registry.redb");
    let whole = fs::read(&path).unwrap();
    let (mut served, mut failed, mut refused) = (0, 0, 0);
    for page in 1..whole.len() / PAGE {
        let mut file = whole.clone();
        let page = &mut file[page * PAGE..][..PAGE];
        if page.iter().all(|byte| *byte == 0) {
            continue;
        }
        page.fill(0x5a);
        fs::write(&path, &file).unwrap();
        let registry = match setup.try_start() {
            Ok(registry) => registry,
            Err(said) => {
                assert_one_sentence(without_panic_of_redb(&said));
                refused += 1;
                continue;
            }
        };
        let logout = post("/auth/logout", &[]).with("Cookie", &ada);
        let answers = [(); 3].map(|()| registry.send(&logout));
        let later = answers.iter().filter(|answer| answer.status == 503);
        let later = later.inspect(|answer| answer.assert_later()).count();
        let log = registry.stop();
        let logged = log.matches("store unavailable").count();
        assert!(logged >= later, "{later} times 503: {log}");
        assert_eq!(
            later > 0,
            log.contains("DB corrupted: it is damaged"),
            "{log}"
        );
        match later {
            0 => served += 1,
            _ => failed += 1,
        }
    }
    assert!(served > 0 && failed + refused > 0);
    fs::write(&path, &whole).unwrap();
    users.assert_all_there(&setup.start());
    report(&format!(
        "F18 pages: damaged one by one, a logout is done at {served}, refused with 503 and logged at {failed}; {refused} \
         starts refused with one sentence"
    ));
}

/// Gives how many requests that read were answered meanwhile.
fn read_while(is_full: impl Fn() -> bool, registry: &Registry, session: &str) -> usize {
    let mut answered = 0;
    while is_full() {
        assert!(registry.is_logged_in(session));
        assert_eq!(registry.send(&get("/auth/login").by_browser()).status, 200);
        answered += 2;
    }
    answered
}

/// Writes as quickly as possible, since reads are to meet the moment in which one fails.
fn rename_while(is_full: impl Fn() -> bool, registry: &Registry, session: &str) {
    let names = ["Ada", "Grace"].into_iter().cycle();
    for name in names.take_while(|_| is_full()) {
        let rename = post("/account/name", &[("name", name)]).with("Cookie", session);
        let answer = registry.send(&rename);
        if answer.status != 200 {
            answer.assert_later();
        }
    }
}

#[track_caller]
fn assert_one_sentence(said: &str) {
    assert!(said.starts_with("fpm-registry: DATA_DIR"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

/// The program's own words, behind those of a panic in redb where there was one.
#[track_caller]
fn without_panic_of_redb(said: &str) -> &str {
    let own = said.find("fpm-registry: ").expect("the program's words");
    let (before, own) = said.split_at(own);
    let is_panic_of_redb = before.contains("panicked at ") && before.contains("/redb-");
    assert!(before.is_empty() || is_panic_of_redb, "{said}");
    own
}

/// Users whose signup was acknowledged.
#[derive(Default)]
struct Users {
    known: Vec<String>,
    asked: usize,
}

impl Users {
    /// Signs one up; false where the registry cannot write.
    fn add(&mut self, registry: &Registry) -> bool {
        self.asked += 1;
        let email = format!("user-{}@example.org", self.asked);
        let answer = registry.send(&signup(&email));
        if answer.status == 200 {
            self.known.push(email);
            return true;
        }
        answer.assert_later();
        false
    }

    /// Signs one up as soon as the registry can write again; gives how long that took.
    fn add_soon(&mut self, registry: &Registry) -> Duration {
        let begun = Instant::now();
        while !self.add(registry) {
            assert!(begun.elapsed() < RECOVERY, "it does not recover");
            thread::sleep(Duration::from_millis(50));
        }
        begun.elapsed()
    }

    fn assert_all_there(&self, registry: &Registry) {
        for email in &self.known {
            let answer = registry.send(&login(email, PASSWORD));
            assert_eq!(answer.status, 200, "{email}: {}", answer.body);
        }
    }
}

/// A small disk of its own in a folder, where the machine lets us have one.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path) -> Option<Self> {
        let options = ["-t", "tmpfs", "-o", "size=16m,mode=700", "fpm-registry"];
        Self::mount_with(Command::new("mount").args(options), folder)
    }

    /// One in a file, since a disk in memory never hangs.
    fn mount_one_that_can_hang(folder: &Path) -> Option<Self> {
        let image = folder.with_extension("disk");
        File::create(&image).unwrap().set_len(32 << 20).unwrap();
        let _ = Command::new("mkfs.ext4").arg("-q").arg(&image).status();
        let disk = Self::mount_with(
            Command::new("mount").args(["-o", "loop"]).arg(&image),
            folder,
        );
        fs::remove_file(image).unwrap();
        disk
    }

    fn mount_with(mount: &mut Command, folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mounted = mount.arg(folder).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder.to_owned()));
        }
        println!("F18 disk: NOT TESTED, since nothing can be mounted here");
        None
    }

    /// Whoever writes waits until what this gives is dropped, and cannot even be killed.
    fn hang(&self) -> Hang<'_> {
        self.freeze("--freeze");
        Hang(self)
    }

    fn freeze(&self, how: &str) {
        let mut freeze = Command::new("fsfreeze");
        assert!(freeze.arg(how).arg(&self.0).status().unwrap().success());
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Leaves no room at all.
    fn fill(&self) {
        let ballast = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.ballast());
        let mut ballast: File = ballast.unwrap();
        while ballast
            .write(&[0x5a; 4096])
            .is_ok_and(|written| written > 0)
        {}
    }

    fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        let mut mount = Command::new("mount");
        let status = mount.args(["-o", &how]).arg(&self.0).status();
        assert!(status.unwrap().success());
    }
}

struct Hang<'d>(&'d Disk);

impl Drop for Hang<'_> {
    fn drop(&mut self) {
        self.0.freeze("--unfreeze");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
