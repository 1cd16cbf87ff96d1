//! The rings of a channel: producer against consumer, over real memory, in two mappings and two threads.

#[cfg(test)]
mod ring {
    use std::collections::VecDeque;
    use std::os::fd::{AsFd, AsRawFd, IntoRawFd};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use nix::errno::Errno;
    use os_ipc_core::ring::layout::{CHECKSUM, HEAD, KIND_SHIFT, RENDEZVOUS, TAIL, WORDS};
    use os_ipc_core::ring::{
        Channel, Consumer, Control, End, Geometry, Kind, Mapped, Next, Place, Producer, Sent, Taken, Word,
    };
    use os_ipc_core::{Error, Result};

    /// Before each wrap of the positions: as numbers with a sign, and as numbers without.
    const STARTS: [u32; 4] = [0, (1 << 31) - 8, u32::MAX - 7, u32::MAX - 4095];
    const LIMIT: u32 = 1 << 20;

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_secs(20))
    }

    /// Both ends, attached: two mappings of one memory.
    fn ends(flags: u32, start: u32) -> [Arc<End>; 2] {
        End::pair_from(Geometry::new(4096, LIMIT, flags), [start; 2]).unwrap().map(|end| {
            end.attach().unwrap();
            Arc::new(end)
        })
    }

    fn halves(flags: u32, start: u32) -> (Producer<Mapped>, Consumer<Mapped>, [Arc<End>; 2]) {
        let ends = ends(flags, start);
        let producer = Producer::new(Mapped::outgoing(&ends[0]).unwrap(), ends[0].geometry()).unwrap();
        let consumer = Consumer::new(Mapped::incoming(&ends[1]).unwrap(), ends[1].geometry()).unwrap();
        (producer, consumer, ends)
    }

    fn channels(flags: u32, starts: [u32; 2]) -> [Channel; 2] {
        let (one, other) = Channel::for_child(Geometry::new(4096, LIMIT, flags), starts).unwrap();
        [one, Channel::from_fd(other.into_raw_fd()).unwrap()]
    }

    fn message(number: usize, length: usize) -> Vec<u8> {
        (0..length).map(|at| (number * 31 + at) as u8).collect()
    }

    fn whole(message: &[u8]) -> Taken {
        Taken::Message(message.to_vec(), None)
    }

    /// xorshift: the same numbers in each run.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn below(&mut self, end: u64) -> usize {
            (self.next() % end) as usize
        }
    }

    fn is_corrupt<T: std::fmt::Debug>(result: Result<T>) -> bool {
        matches!(result, Err(Error::Corrupt(_)))
    }

    #[test]
    fn what_goes_in_comes_out_over_each_wrap() {
        for start in STARTS {
            for flags in [0, CHECKSUM] {
                let (mut producer, mut consumer, _ends) = halves(flags, start);
                for number in 0..1000 {
                    let sent = message(number, number * 7 % (producer.largest() + 1));
                    assert_eq!(producer.send(&sent).unwrap(), Sent::Done);
                    assert_eq!(consumer.take().unwrap(), whole(&sent));
                }
                assert_eq!(consumer.take().unwrap(), Taken::Nothing);
                assert!(producer.is_taken().unwrap());
            }
        }
    }

    #[test]
    fn a_ring_that_is_full_takes_nothing_until_something_was_taken() {
        for start in STARTS {
            let (mut producer, mut consumer, _ends) = halves(0, start);
            for number in 0..64 {
                assert_eq!(producer.send(&message(number, 56)).unwrap(), Sent::Done);
            }
            assert_eq!(producer.send(&[]).unwrap(), Sent::NoRoom);
            assert!(producer.sleep(0).unwrap(), "there is room");
            assert_eq!(consumer.take().unwrap(), whole(&message(0, 56)));
            assert_eq!(producer.send(&message(64, 56)).unwrap(), Sent::Done);
            assert_eq!(producer.send(&[]).unwrap(), Sent::NoRoom);
            for number in 1..65 {
                assert_eq!(consumer.take().unwrap(), whole(&message(number, 56)));
            }
            assert_eq!(consumer.take().unwrap(), Taken::Nothing);
        }
    }

    #[test]
    fn a_message_larger_than_the_ring_comes_in_pieces() {
        for start in STARTS {
            for flags in [0, CHECKSUM] {
                let (mut producer, mut consumer, _ends) = halves(flags, start);
                let large = message(3, 100_001);
                assert_eq!(producer.begin(100_001).unwrap(), Sent::Done);
                assert_eq!(producer.send(&[]).unwrap_err().errno(), Some(Errno::EINPROGRESS));
                let mut done = 0;
                let taken = loop {
                    done += producer.proceed(&large[done..]).unwrap();
                    match consumer.take().unwrap() {
                        Taken::Nothing => assert!(consumer.is_partial() && done < large.len()),
                        taken => break taken,
                    }
                };
                assert_eq!((done, taken), (large.len(), whole(&large)));
                assert_eq!(producer.send(b"next").unwrap(), Sent::Done);
                assert_eq!(consumer.take().unwrap(), whole(b"next"));
            }
        }
    }

    #[test]
    fn a_message_that_is_given_up_half_way_is_not_received() {
        let (mut producer, mut consumer, _ends) = halves(CHECKSUM, 0);
        for _ in 0..3000 {
            producer.begin(5000).unwrap();
            assert_eq!(producer.proceed(&[1; 100]).unwrap(), 100);
            assert_eq!(producer.abort().unwrap(), Sent::Done);
            assert_eq!(producer.abort().unwrap(), Sent::Done);
            producer.send(b"next").unwrap();
            assert_eq!(consumer.take().unwrap(), whole(b"next"));
        }
    }

    #[test]
    fn what_is_too_long_is_not_sent() {
        let (mut producer, mut consumer, _ends) = halves(0, 0);
        let too_long = [producer.send(&vec![0; 2041]), producer.begin(LIMIT + 1), producer.begin(0)];
        assert!(too_long.into_iter().all(|result| result.unwrap_err().errno() == Some(Errno::EMSGSIZE)));
        producer.begin(10).unwrap();
        assert_eq!(producer.proceed(&[0; 11]).unwrap_err().errno(), Some(Errno::EMSGSIZE));
        assert_eq!(consumer.take().unwrap(), Taken::Nothing);
    }

    #[test]
    fn random_calls_of_both_sides_keep_what_a_queue_would() {
        for seed in 1..200 {
            let mut random = Random(seed * 0x9e37_79b9);
            let start = STARTS[seed as usize % STARTS.len()];
            let (mut producer, mut consumer, _ends) = halves([0, CHECKSUM][random.below(2)], start);
            let (mut expected, mut number) = (VecDeque::new(), 0);
            let mut partial: Option<(Vec<u8>, usize)> = None;
            for _ in 0..500 {
                number += 1;
                match (random.below(5), &mut partial) {
                    (0 | 1, None) => {
                        let sent = message(number, random.below(600));
                        if producer.send(&sent).unwrap() == Sent::Done {
                            expected.push_back(sent);
                        }
                    }
                    (2, None) => {
                        let large = message(number, 1 + random.below(9000));
                        if producer.begin(large.len() as u32).unwrap() == Sent::Done {
                            partial = Some((large, 0));
                        }
                    }
                    (0, Some(_)) if random.below(8) == 0 => {
                        if producer.abort().unwrap() == Sent::Done {
                            partial = None;
                        }
                    }
                    (0..=2, Some((large, done))) => {
                        *done += producer.proceed(&large[*done..]).unwrap();
                        if *done == large.len() {
                            expected.extend(partial.take().map(|(large, _)| large));
                        }
                    }
                    _ => match consumer.take().unwrap() {
                        Taken::Message(taken, None) => assert_eq!(Some(taken), expected.pop_front()),
                        other => assert_eq!((other, expected.len()), (Taken::Nothing, 0)),
                    },
                }
            }
        }
    }

    #[test]
    fn two_threads_that_sleep_and_wake_each_other_lose_nothing() {
        for starts in [[0, u32::MAX - 7], [(1 << 31) - 8, 0]] {
            for flags in [0, CHECKSUM] {
                let [mut one, mut other] = channels(flags, starts);
                let sizes = [0, 5, 64, 700, 2041, 6000, 40_000];
                let echo = thread::spawn(move || {
                    let mut count = 0;
                    while let Some(message) = other.receive(soon()).unwrap() {
                        other.send(&message.data, soon()).unwrap();
                        count += 1;
                    }
                    count
                });
                for number in 0..3000 {
                    let sent = message(number, sizes[number % sizes.len()]);
                    one.send(&sent, soon()).unwrap();
                    assert_eq!(one.receive(soon()).unwrap().unwrap().data, sent);
                }
                one.flush(soon()).unwrap();
                drop(one);
                assert_eq!(echo.join().unwrap(), 3000);
            }
        }
    }

    #[test]
    fn a_flood_into_a_slow_receiver_arrives_whole() {
        let [mut one, mut other] = channels(CHECKSUM, [u32::MAX - 7; 2]);
        let sender = thread::spawn(move || {
            for number in 0..100_000_usize {
                one.send(&message(number, number % 200), soon()).unwrap();
            }
        });
        for number in 0..100_000_usize {
            assert_eq!(other.receive(soon()).unwrap().unwrap().data, message(number, number % 200));
        }
        assert!(other.receive(soon()).unwrap().is_none());
        sender.join().unwrap();
    }

    #[test]
    fn after_a_close_the_rest_is_received_and_then_the_end() {
        let [mut one, mut other] = channels(0, [0; 2]);
        one.send(b"last", None).unwrap();
        drop(one);
        assert_eq!(other.send(b"late", None).unwrap_err().errno(), Some(Errno::EPIPE));
        assert_eq!(other.receive(None).unwrap().unwrap().data, b"last");
        assert!(other.receive(None).unwrap().is_none());
        assert!(matches!(other.try_receive().unwrap(), Next::End));
    }

    /// An end that can die: its channel would say that it closes.
    fn mortal() -> (Arc<End>, Producer<Mapped>, Control, Channel) {
        let [dies, lives] = End::pair(Geometry::new(4096, LIMIT, 0)).unwrap();
        let [line, other] = Control::pair().unwrap();
        dies.attach().unwrap();
        let dies = Arc::new(dies);
        let producer = Producer::new(Mapped::outgoing(&dies).unwrap(), dies.geometry()).unwrap();
        (dies, producer, line, Channel::new(lives, other).unwrap())
    }

    fn die(end: Arc<End>, producer: Producer<Mapped>, line: Control) {
        drop(producer);
        Arc::try_unwrap(end).unwrap().leave();
        drop(line);
    }

    #[test]
    fn after_a_death_the_rest_is_received_and_then_that_it_died() {
        let (end, mut producer, line, mut other) = mortal();
        producer.send(b"last").unwrap();
        producer.begin(5000).unwrap();
        producer.proceed(&[1; 1000]).unwrap();
        die(end, producer, line);
        assert_eq!(other.receive(None).unwrap().unwrap().data, b"last");
        assert_eq!(other.receive(None).unwrap_err(), Error::PeerDied);
        assert_eq!(other.try_receive().unwrap_err(), Error::PeerDied);
        assert_eq!(other.send(b"late", None).unwrap_err(), Error::PeerDied);
    }

    #[test]
    fn who_sleeps_learns_of_a_death_at_once_and_of_a_close_too() {
        let (end, producer, line, mut other) = mortal();
        let receiver = thread::spawn(move || (other.receive(None).unwrap_err(), Instant::now()));
        thread::sleep(Duration::from_millis(30));
        let died = Instant::now();
        die(end, producer, line);
        let (error, noticed) = receiver.join().unwrap();
        assert_eq!(error, Error::PeerDied);
        assert!(noticed.saturating_duration_since(died) < Duration::from_millis(90));
        let [mut full, other] = channels(0, [0; 2]);
        while full.try_send(&[0; 1000]).unwrap() {}
        let sender = thread::spawn(move || full.send(&[0; 1000], None).unwrap_err().errno());
        thread::sleep(Duration::from_millis(30));
        drop(other);
        assert_eq!(sender.join().unwrap(), Some(Errno::EPIPE));
    }

    #[test]
    fn a_bell_that_nobody_can_ring_keeps_nobody_busy() {
        let [stays, goes] = End::pair(Geometry::new(0, LIMIT, 0)).unwrap();
        let [line, other] = Control::pair().unwrap();
        goes.leave();
        let began = Instant::now();
        assert!(!stays.block(line.as_fd().as_raw_fd(), 50).unwrap());
        assert!(began.elapsed() >= Duration::from_millis(49));
        assert_eq!(stays.hush().unwrap(), None);
        drop(other);
        assert!(stays.block(line.as_fd().as_raw_fd(), 255).unwrap());
        assert!(began.elapsed() < Duration::from_millis(300));
    }

    #[test]
    fn a_time_that_is_up_takes_nothing_and_sends_nothing() {
        let [mut one, mut other] = channels(0, [0; 2]);
        let shortly = || Some(Instant::now() + Duration::from_millis(20));
        assert_eq!(other.receive(shortly()).unwrap_err().errno(), Some(Errno::ETIMEDOUT));
        assert_eq!(one.send(&[1; 100_000], shortly()).unwrap_err().errno(), Some(Errno::ETIMEDOUT));
        assert!(matches!(other.try_receive().unwrap(), Next::Nothing));
        one.send(b"next", soon()).unwrap();
        assert_eq!(other.receive(soon()).unwrap().unwrap().data, b"next");
    }

    #[test]
    fn a_rendezvous_is_taken_or_not_sent() {
        for start in STARTS {
            let [mut one, mut other] = channels(RENDEZVOUS, [start; 2]);
            let shortly = || Some(Instant::now() + Duration::from_millis(1));
            let receiver = thread::spawn(move || {
                let mut taken = Vec::new();
                loop {
                    match other.receive(shortly()) {
                        Ok(Some(message)) => taken.push(message.data),
                        Ok(None) => return taken,
                        Err(error) => assert_eq!(error.errno(), Some(Errno::ETIMEDOUT)),
                    }
                }
            });
            let mut sent = Vec::new();
            for number in 0..400 {
                let message = message(number, if number % 9 == 0 { 9000 } else { number });
                match one.send(&message, if number % 2 == 0 { soon() } else { Some(Instant::now()) }) {
                    Ok(()) => sent.push(message),
                    Err(error) => assert_eq!(error.errno(), Some(Errno::ETIMEDOUT)),
                }
            }
            assert!(matches!(one.try_send(b"x"), Err(Error::NotSupported(_))));
            drop(one);
            assert!(receiver.join().unwrap() == sent && sent.len() >= 200);
        }
    }

    #[test]
    fn an_end_is_for_one() {
        let [one, _two] = End::pair(Geometry::new(0, LIMIT, 0)).unwrap();
        let again = End::adopt(one.numbers().map(|number| nix::unistd::dup(fd(number)).unwrap().into_raw_fd()), 0);
        one.attach().unwrap();
        assert!(matches!(again.unwrap().attach(), Err(Error::Exclusive(_))));
        assert!(End::pair_from(Geometry::new(0, LIMIT, 0), [4, 0]).is_err());
        assert!(Channel::from_fd(std::io::stdin().as_raw_fd()).is_err());
    }

    fn fd(number: i32) -> std::os::fd::BorrowedFd<'static> {
        // SAFETY: of an end that lives longer.
        unsafe { std::os::fd::BorrowedFd::borrow_raw(number) }
    }

    /// Writes a record as it stands, by the format alone.
    fn forge(ends: &[Arc<End>; 2], start: u32, word: u32, words: &[u32], size: u32) {
        let place = Mapped::outgoing(&ends[0]).unwrap();
        let tail = place.load(Word::Tail);
        assert_eq!(tail, start);
        place.write(tail, &word.to_ne_bytes()).unwrap();
        for (index, word) in (2_u32..).zip(words) {
            place.write(tail.wrapping_add(index * 4), &word.to_ne_bytes()).unwrap();
        }
        place.store(Word::Tail, tail.wrapping_add(size));
    }

    #[test]
    fn whatever_the_format_forbids_is_corrupt() {
        let kind = |kind: Kind| (kind as u32) << KIND_SHIFT;
        let forged: &[(&str, u32, &[u32], u32)] = &[
            ("a tail that runs ahead", 0, &[], 4104),
            ("a tail that goes back", 0, &[], 0_u32.wrapping_sub(8)),
            ("a tail that is not aligned", 0, &[], 4),
            ("a record beyond the tail", 1000, &[], 16),
            ("the greatest length", (1 << 28) - 1, &[], 16),
            ("a piece of no message", kind(Kind::Piece) | 8, &[], 16),
            ("the end of no message", kind(Kind::Abort), &[], 8),
            ("a start of another length", kind(Kind::Start), &[], 8),
            ("a message of no length", kind(Kind::Start) | 8, &[0, 0], 16),
            ("a message beyond the limit", kind(Kind::Start) | 8, &[LIMIT + 1, 0], 16),
            ("handles of another length", kind(Kind::Handles) | 16, &[1, 1, 1, 1], 24),
            ("an unknown kind", 5 << KIND_SHIFT, &[], 8),
            ("another unknown kind", 15 << KIND_SHIFT, &[], 8),
        ];
        for start in STARTS {
            for (name, word, words, size) in forged {
                let (_, mut consumer, ends) = halves(0, start);
                forge(&ends, start, *word, words, *size);
                assert!(is_corrupt(consumer.take()), "{name}");
            }
            let (_, mut consumer, ends) = halves(0, start);
            forge(&ends, start, kind(Kind::Start) | 8, &[1000, 0], 16);
            assert_eq!(consumer.take().unwrap(), Taken::Nothing);
            forge(&ends, start.wrapping_add(16), 8, &[], 16);
            assert!(is_corrupt(consumer.take()), "a message within another");
            for head in [start.wrapping_add(8), start.wrapping_sub(8), start ^ (1 << 31)] {
                let (mut producer, _, ends) = halves(0, start);
                Mapped::incoming(&ends[1]).unwrap().store(Word::Head, head);
                assert!(is_corrupt(producer.is_taken()), "a head at {head}");
            }
        }
    }

    #[test]
    fn a_wrong_checksum_is_corrupt() {
        let (mut producer, mut consumer, ends) = halves(CHECKSUM, 0);
        producer.send(&[7; 100]).unwrap();
        Mapped::outgoing(&ends[0]).unwrap().write(50, &[8]).unwrap();
        assert!(is_corrupt(consumer.take()));
    }

    #[test]
    fn messages_that_are_given_up_without_end_keep_nobody_busy() {
        let ends = ends(0, 0);
        let place = Endless(Mapped::incoming(&ends[1]).unwrap());
        let mut consumer = Consumer::new(place, ends[1].geometry()).unwrap();
        assert!(is_corrupt(consumer.take()));
    }

    /// A ring in which there is always one more message that had begun and is given up.
    struct Endless(Mapped);

    impl Place for Endless {
        fn load(&self, word: Word) -> u32 {
            if word == Word::Tail { self.0.load(Word::Head).wrapping_add(24) } else { self.0.load(word) }
        }
        fn store(&self, word: Word, value: u32) {
            self.0.store(word, value);
        }
        fn swap(&self, word: Word, value: u32) -> u32 {
            self.0.swap(word, value)
        }
        fn exchange(&self, word: Word, from: u32, to: u32) -> bool {
            self.0.exchange(word, from, to)
        }
        fn capacity(&self) -> u32 {
            self.0.capacity()
        }
        fn write(&self, position: u32, data: &[u8]) -> Result<()> {
            self.0.write(position, data)
        }
        fn read(&self, position: u32, target: &mut [u8]) -> Result<()> {
            let bytes = [
                ((1_u32 << KIND_SHIFT) | 8).to_ne_bytes(),
                [0; 4],
                9_u32.to_ne_bytes(),
                [0; 4],
                (3_u32 << KIND_SHIFT).to_ne_bytes(),
                [0; 4],
            ]
            .concat();
            for (index, byte) in target.iter_mut().enumerate() {
                *byte = bytes[(position as usize + index) % 24];
            }
            Ok(())
        }
        fn ring(&self) {}
    }

    #[test]
    fn random_words_are_never_more_than_corrupt() {
        let (mut corrupt, mut calls) = (0, 0);
        for seed in 1..2000_u64 {
            let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
            let start = STARTS[random.below(4)];
            let (mut producer, mut consumer, ends) = halves([0, CHECKSUM, RENDEZVOUS][random.below(3)], start);
            let memory = ends[0].memory().unwrap().mapping();
            for _ in 0..60 {
                calls += 1;
                let outcome = match random.below(8) {
                    0 => producer.send(&message(1, random.below(100))).map(drop),
                    1 => producer.begin(1 + random.below(5000) as u32).map(drop),
                    2 => producer.proceed(&[1; 50]).map(drop),
                    3 => producer.sleep(100).map(drop),
                    4 => consumer.sleep().map(drop),
                    5 => producer.collect().map(drop),
                    6 => {
                        producer.offer();
                        Ok(())
                    }
                    _ => consumer.take().map(drop),
                };
                match outcome {
                    Ok(()) | Err(Error::Os { errno: Errno::EMSGSIZE | Errno::EINPROGRESS, .. }) => {}
                    Err(Error::Corrupt(_)) => corrupt += 1,
                    Err(error) => panic!("{error:?}"),
                }
                scribble(memory, &mut random);
            }
        }
        assert!(corrupt > 1000 && calls == 1999 * 60, "{corrupt} of {calls}");
    }

    /// A word somewhere: of the header, of ring 0, or near to what stands there.
    fn scribble(memory: &os_ipc_core::sys::mman::Mapping, random: &mut Random) {
        let at = match random.below(4) {
            0 => WORDS[0] + [TAIL, HEAD, 128, 192, 196, 256][random.below(6)],
            1 => random.below(1536) & !3,
            _ => 4096 + (random.below(4096) & !3),
        };
        let word = memory.word32(at).unwrap();
        match random.below(4) {
            0 => word.store(random.next() as u32 >> random.below(32), Ordering::SeqCst),
            1 => drop(word.fetch_add(8 * random.below(64) as u32, Ordering::SeqCst)),
            2 => word.store(((random.below(8) as u32) << KIND_SHIFT) | random.below(64) as u32, Ordering::SeqCst),
            _ => {}
        }
    }

    #[test]
    fn an_enemy_that_writes_meanwhile_is_found_out_and_delays_nobody() {
        let rounds = std::env::var("OS_IPC_STEPS").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
        let mut corrupt = 0;
        for round in 0..rounds {
            let [mut victim, enemy] = channels([0, CHECKSUM, RENDEZVOUS][round % 3], [STARTS[round % 4]; 2]);
            let over = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&over);
            let attack = thread::spawn(move || {
                let mut random = Random(round as u64 * 77 + 1);
                let memory = Arc::clone(enemy.memory().unwrap().mapping());
                while !seen.load(Ordering::Relaxed) {
                    scribble(&memory, &mut random);
                }
                enemy
            });
            let until = Instant::now() + Duration::from_millis(15);
            let outcome = loop {
                let now = Instant::now();
                if now > until {
                    break Ok(());
                }
                let sent = victim.send(&[1; 3000], Some(now + Duration::from_millis(2)));
                let received = victim.receive(Some(now + Duration::from_millis(2))).map(drop);
                assert!(now.elapsed() < Duration::from_secs(2), "a call took long");
                match sent.and(received) {
                    Err(Error::Os { errno: Errno::ETIMEDOUT | Errno::EPIPE, .. }) | Ok(()) => {}
                    Err(error) => break Err(error),
                }
            };
            over.store(true, Ordering::Relaxed);
            drop(attack.join().unwrap());
            match outcome {
                Err(Error::Corrupt(_)) => {
                    corrupt += 1;
                    assert!(is_corrupt(victim.receive(None)) && is_corrupt(victim.try_send(b"x")));
                }
                outcome => outcome.unwrap(),
            }
        }
        assert!(corrupt * 2 > rounds, "{corrupt} of {rounds}");
    }
}
