//! A topic's ring under every order of the steps of those who publish and of one who subscribes. What is modelled stands in
//! `lib/topic/writer.js` and `reader.js`, for in a topic messages are written and read by JavaScript: one publishes at a
//! time, under a lock; with 'drop-oldest' whoever publishes says first what he is going to write over, and whoever reads
//! copies first and then looks whether that was still there.
//!
//! The model that has to hold stands beside mutations of it in which a step is missing: these have to fail, or it proves
//! nothing. `OS_IPC_MODELS=3` looks at more orders (the number is how often a thread is interrupted).

#[cfg(test)]
mod topic {
    use loom::sync::atomic::{AtomicUsize, Ordering, fence};
    use loom::sync::{Condvar, Mutex};
    use loom::thread;
    // Not loom's, which aborts where a model fails: nothing here depends on when it is dropped.
    use std::sync::Arc;

    /// Messages that the ring holds. Here each takes one place, so its position is its number, too.
    const PLACES: usize = 2;

    /// Which step is missing.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Lacks {
        Nothing,
        /// Who reads does not look whether what it has copied was still there.
        Check,
        /// Who publishes says too late what it writes over.
        Word,
        /// What is read may have been read after the look that follows it.
        ReadsBefore,
        /// The same of the look that tells whether it was overtaken.
        ReadsBeforeJump,
        /// What is published says nothing of what was written before it.
        Order,
        /// Who is about to sleep does not look once more.
        LastLook,
        /// Who publishes looks first whether anybody sleeps.
        Publication,
    }

    #[derive(Default)]
    struct Slot {
        number: AtomicUsize,
        /// Two halves of a message, which are alike.
        halves: [AtomicUsize; 2],
    }

    struct Topic {
        lacks: Lacks,
        lock: Mutex<()>,
        tail: AtomicUsize,
        oldest: AtomicUsize,
        slots: [Slot; PLACES],
        wanted: AtomicUsize,
        served: AtomicUsize,
        /// A futex word, and who sleeps on it.
        bell: (Mutex<usize>, Condvar),
    }

    impl Topic {
        fn new(lacks: Lacks) -> Arc<Self> {
            Arc::new(Self {
                lacks,
                lock: Mutex::new(()),
                tail: AtomicUsize::new(0),
                oldest: AtomicUsize::new(0),
                slots: Default::default(),
                wanted: AtomicUsize::new(0),
                served: AtomicUsize::new(0),
                bell: (Mutex::new(0), Condvar::new()),
            })
        }

        /// `Atomics.load`. For loom a sequentially consistent one is one with acquire: the fence makes it what it is.
        fn load(&self, word: &AtomicUsize) -> usize {
            if self.lacks != Lacks::Order {
                fence(Ordering::SeqCst);
            }
            word.load(if self.lacks == Lacks::Order { Ordering::Relaxed } else { Ordering::Acquire })
        }

        /// `Atomics.store`.
        fn store(&self, word: &AtomicUsize, value: usize) {
            if self.lacks == Lacks::Order {
                word.store(value, Ordering::Relaxed);
            } else {
                word.store(value, Ordering::Release);
                fence(Ordering::SeqCst);
            }
        }

        fn publish(&self) {
            let sleeps = self.lacks == Lacks::Publication && self.anybody_sleeps();
            {
                let _held = self.lock.lock().unwrap();
                let tail = self.tail.load(Ordering::Relaxed);
                let oldest = self.oldest.load(Ordering::Relaxed);
                let full = tail + 1 - oldest > PLACES;
                if full && self.lacks != Lacks::Word {
                    self.store(&self.oldest, tail + 1 - PLACES);
                }
                let slot = &self.slots[tail % PLACES];
                slot.number.store(tail, Ordering::Relaxed);
                for half in &slot.halves {
                    half.store(tail + 100, Ordering::Relaxed);
                }
                if full && self.lacks == Lacks::Word {
                    self.store(&self.oldest, tail + 1 - PLACES);
                }
                self.store(&self.tail, tail + 1);
            }
            if if self.lacks == Lacks::Publication { sleeps } else { self.anybody_sleeps() } {
                self.ring();
            }
        }

        fn anybody_sleeps(&self) -> bool {
            self.load(&self.wanted) != self.load(&self.served)
        }

        fn ring(&self) {
            let wanted = self.load(&self.wanted);
            let (bell, sleepers) = &self.bell;
            *bell.lock().unwrap() += 1;
            sleepers.notify_all();
            self.store(&self.served, wanted);
        }
    }

    struct Reader {
        topic: Arc<Topic>,
        position: usize,
        missed: usize,
    }

    impl Reader {
        /// The number of the next message, if there is one.
        fn take(&mut self) -> Option<usize> {
            let topic = Arc::clone(&self.topic);
            if topic.load(&topic.tail) == self.position {
                return None;
            }
            loop {
                if let Some(number) = self.read() {
                    return Some(number);
                }
                if !self.jump()? {
                    continue;
                }
            }
        }

        /// None if it is not there any more.
        fn read(&mut self) -> Option<usize> {
            let topic = Arc::clone(&self.topic);
            let slot = &topic.slots[self.position % PLACES];
            if slot.number.load(Ordering::Relaxed) != self.position {
                return None;
            }
            let [one, other] = [0, 1].map(|half: usize| slot.halves[half].load(Ordering::Relaxed));
            if topic.lacks != Lacks::Check && self.load_after(&topic.oldest) > self.position {
                return None;
            }
            assert!(one == other && one == self.position + 100, "torn");
            self.position += 1;
            Some(self.position - 1)
        }

        /// To the oldest message: false if it has gone meanwhile, None if there is none.
        fn jump(&mut self) -> Option<bool> {
            let topic = Arc::clone(&self.topic);
            let oldest = if topic.lacks == Lacks::ReadsBeforeJump {
                topic.oldest.load(Ordering::Acquire)
            } else {
                self.load_after(&topic.oldest)
            };
            let tail = topic.load(&topic.tail);
            // It only grows, so what was read had not been written over.
            assert!(self.position < oldest, "taken for rubbish");
            if oldest == tail {
                return None;
            }
            let number = topic.slots[oldest % PLACES].number.load(Ordering::Relaxed);
            if self.load_after(&topic.oldest) != oldest {
                return Some(false);
            }
            assert!(number == oldest, "taken for rubbish");
            self.missed += number - self.position;
            self.position = number;
            Some(true)
        }

        /// A look that comes after all that was read before.
        fn load_after(&self, word: &AtomicUsize) -> usize {
            if self.topic.lacks == Lacks::ReadsBefore {
                return word.load(Ordering::Acquire);
            }
            self.topic.load(word)
        }

        /// The same, and it sleeps until there is one.
        fn recv(&mut self) -> usize {
            let topic = Arc::clone(&self.topic);
            loop {
                if let Some(number) = self.take() {
                    return number;
                }
                let (bell, sleepers) = &topic.bell;
                let heard = *bell.lock().unwrap();
                fence(Ordering::SeqCst);
                topic.wanted.fetch_add(1, Ordering::AcqRel);
                fence(Ordering::SeqCst);
                if topic.lacks != Lacks::LastLook && topic.load(&topic.tail) != self.position {
                    continue;
                }
                let mut told = bell.lock().unwrap();
                while *told == heard {
                    told = sleepers.wait(told).unwrap();
                }
            }
        }
    }

    fn model(body: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        let bound = std::env::var("OS_IPC_MODELS").ok().and_then(|text| text.parse().ok());
        builder.preemption_bound = Some(bound.unwrap_or(2));
        builder.max_branches = 10_000;
        builder.check(body);
    }

    /// The ring is full; `count` messages more by one, and one who looks while they are published and once more after that.
    fn overtaken(lacks: Lacks, count: usize) {
        model(move || {
            let topic = Topic::new(lacks);
            for _ in 0..PLACES {
                topic.publish();
            }
            let mut reader = Reader { topic: Arc::clone(&topic), position: 0, missed: 0 };
            let publisher = thread::spawn(move || {
                for _ in 0..count {
                    topic.publish();
                }
            });
            let mut last = None;
            let mut taken = 0;
            let mut look = |reader: &mut Reader| {
                let number = reader.take();
                assert!(number.is_none() || number > last, "out of order");
                last = number.or(last);
                taken += usize::from(number.is_some());
                number.is_some()
            };
            look(&mut reader);
            publisher.join().unwrap();
            while look(&mut reader) {}
            assert_eq!(taken + reader.missed, PLACES + count, "uncounted");
        });
    }

    #[test]
    fn who_is_overtaken_reads_nothing_torn_and_counts_what_it_missed() {
        overtaken(Lacks::Nothing, 3);
    }

    #[test]
    #[should_panic(expected = "torn")]
    fn without_a_look_after_the_copy_a_message_is_torn() {
        overtaken(Lacks::Check, 1);
    }

    #[test]
    #[should_panic(expected = "torn")]
    fn without_a_word_before_the_place_is_written_over_a_message_is_torn() {
        overtaken(Lacks::Word, 1);
    }

    #[test]
    #[should_panic]
    fn where_the_look_may_come_before_the_copy_a_message_is_torn_or_taken_for_rubbish() {
        overtaken(Lacks::ReadsBefore, 2);
    }

    #[test]
    #[should_panic(expected = "taken for rubbish")]
    fn where_that_look_may_come_before_what_made_it_necessary_a_message_is_taken_for_rubbish() {
        overtaken(Lacks::ReadsBeforeJump, 1);
    }

    #[test]
    #[should_panic]
    fn without_release_and_acquire_a_message_is_torn_or_taken_for_rubbish() {
        overtaken(Lacks::Order, 1);
    }

    /// Two publish, a message each, and one sleeps until he has both.
    fn woken(lacks: Lacks, publishers: usize) {
        model(move || {
            let topic = Topic::new(lacks);
            let mut reader = Reader { topic: Arc::clone(&topic), position: 0, missed: 0 };
            let threads: Vec<_> = (0..publishers)
                .map(|_| {
                    let topic = Arc::clone(&topic);
                    thread::spawn(move || topic.publish())
                })
                .collect();
            for number in 0..publishers {
                assert_eq!(reader.recv(), number);
            }
            for publisher in threads {
                publisher.join().unwrap();
            }
        });
    }

    #[test]
    fn no_wake_up_is_lost() {
        woken(Lacks::Nothing, 2);
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn without_a_last_look_a_wake_up_is_lost() {
        woken(Lacks::LastLook, 1);
    }

    #[test]
    #[should_panic(expected = "deadlock")]
    fn without_looking_whether_anybody_sleeps_after_publishing_a_wake_up_is_lost() {
        woken(Lacks::Publication, 1);
    }
}
