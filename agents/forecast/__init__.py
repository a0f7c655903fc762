"""Series from tables -> what comes next, with a band, a back-test and the reasons in numbers."""
