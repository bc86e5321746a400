dnstapFrameStreamServer({"@TAP@"}, {logQueries=true, logResponses=true, reopenInterval=1})
