package peers.kstreams;

import java.util.Map;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.Cache;
import org.rocksdb.LRUCache;
import org.rocksdb.Options;
import org.rocksdb.WriteBufferManager;

/**
 * One block cache and one write buffer manager for all RocksDB instances of the process (there is one for each store, partition and
 * window segment), as in "Memory Management", section RocksDB, of the developer guide.
 */
public final class BoundedMemory implements RocksDBConfigSetter {
    static final String MIB = "peers.rocksdb.mib";
    private static Cache cache;
    private static WriteBufferManager writeBuffers;

    @Override
    public void setConfig(String store, Options options, Map<String, Object> configs) {
        open(Long.parseLong(configs.get(MIB).toString()) << 20);
        BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
        table.setBlockCache(cache);
        table.setCacheIndexAndFilterBlocks(true); // charged to the cache, or they are not bounded
        table.setCacheIndexAndFilterBlocksWithHighPriority(true);
        table.setPinTopLevelIndexAndFilter(true);
        options.setWriteBufferManager(writeBuffers);
        options.setTableFormatConfig(table);
    }

    private static synchronized void open(long bytes) {
        if (cache == null) {
            cache = new LRUCache(bytes, -1, false, 0.1);
            writeBuffers = new WriteBufferManager(bytes / 2, cache); // its memory is charged to the cache
        }
    }

    @Override
    public void close(String store, Options options) {
        // Cache and manager are shared by all stores and live as long as the process.
    }
}
