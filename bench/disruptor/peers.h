/*
 * The peers and the limits that Millrace is measured against. Each registers its subjects in every
 * row that it can take part in. Peers that were not installed when the bench was built are left
 * out: their files are not compiled (MR_BENCH_PEER_... tells).
 */
#ifndef MR_BENCH_DISRUPTOR_PEERS_H
#define MR_BENCH_DISRUPTOR_PEERS_H

#ifdef __cplusplus
extern "C" {
#endif

void ours_add(void);
void limits_add(void);

void boost_add(void);
void ck_add(void);
void dpdk_add(void);
void tbb_add(void);

#ifdef __cplusplus
}
#endif
#endif
