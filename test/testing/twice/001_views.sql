create view supasaasy.acme_once as select 1 as one;
