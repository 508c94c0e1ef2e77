// Commands about recorded histories.
#ifndef ASLC_REPLAY_H
#define ASLC_REPLAY_H

/* aslc mocks HISTORY: a MockConfigFile of the answers in it. argv holds what stands behind the command. The exit status. */
int cmd_mocks(int argc, char **argv);
extern const char mocks_usage[];

/* aslc replay DEFINITION HISTORY: runs the definition against the history and shows where they part. */
int cmd_replay(int argc, char **argv);
extern const char replay_usage[];

#endif
